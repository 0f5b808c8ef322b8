// What does the loader say before the panel, and with it the full list of texts, is there?

export const OPEN = 'Open chat';
export const REGION = 'Chat';
export const RETRY = 'Try again';
export const DISMISS = 'Close';
export const UNAVAILABLE = 'Chat is unavailable';

const REASONS: Record<string, string> = {
  https_required: 'This chat needs a secure (HTTPS) page. Nothing was sent.',
  null_origin: 'This page has no origin of its own (sandboxed or a local file). Nothing was sent.',
  domain_not_authorized: 'This chat is not set up for this website.',
  invalid_widget_id: 'The id of this chat is not valid.',
  unreachable: 'The chat cannot be reached right now.',
};

/** One sentence for each reason why the chat does not start; `retryAfter`: seconds until asking again makes sense, if the gateway named some. */
export const reasonFor = (code: string, retryAfter = 0): string =>
  REASONS[code] ??
  `The chat could not be loaded. Please try again ${retryAfter ? `after ${new Date(Date.now() + retryAfter * 1000).toLocaleString('en')}` : 'later'}.`;
