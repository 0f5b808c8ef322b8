// What has to outlive a widget that is taken off the page and put back? A page that restricts Trusted Types lets each policy be made once.

/** `policy`: undefined until it is asked for, null where there is none. */
export const kept: { policy?: unknown } = {};
