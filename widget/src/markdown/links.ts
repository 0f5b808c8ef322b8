// Where may a link lead? Absolute http, https, mailto and tel; anything else is shown as text.

export interface Target {
  readonly href: string;
  /** The host, mail address or telephone number: what somebody who clicks should know. */
  readonly place: string;
}

export function target(address: string): Target | null {
  // What the URL parser would drop silently (tabs, line ends) is what tricks are made of.
  if (/[\0-\x20\x7f]/.test(address)) return null;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  // As it is written: decoded, it could read as another address. Nothing but the address: more recipients would not be seen.
  if (url.protocol === 'mailto:' || url.protocol === 'tel:') return { href: url.protocol + url.pathname, place: url.pathname };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  // "https://bank.example@evil.example" reads like another place than it is.
  if (url.username || url.password) return null;
  return { href: url.href, place: url.host.replace(/^www\.(?=.+\.)/, '') };
}

/** Whether a reader of `label` already knows where it leads: it is that address or its beginning, in letters that look like no others. */
export const tells = (label: string, { place }: Target): boolean =>
  /^[!-~]+$/.test(label) && [label, target(label)?.place, target(`https://${label}`)?.place].includes(place);

/** On every link that leaves the page. */
export const OUT = { target: '_blank', rel: 'noopener noreferrer nofollow ugc' } as const;
