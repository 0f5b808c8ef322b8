// Is it safe to run a chat here? HTTPS for the page and for the gateway, before anything else.
// Stops: a chat over plain HTTP, and a page without an origin (the gateway could not know who asks).

export type Verdict = '' | 'loopback' | 'null_origin' | 'https_required';

/** Origins are in their one canonical form, so that comparing text is exact. */
const transport = (origin: string): Verdict => {
  if (/^https:/.test(origin)) return '';
  return /^http:\/\/(localhost|127\.0\.0\.1|\[::1])(:\d+)?$/.test(origin) ? 'loopback' : 'https_required';
};

/**
 * Empty when all is well. `pageOrigin` is `self.origin`: unlike `location`, it knows about sandboxes and inherited origins.
 * `gatewayOrigin` is the origin of the script's URL.
 */
export function judge(pageOrigin: string, gatewayOrigin: string): Verdict {
  if (pageOrigin === 'null') return 'null_origin';
  const both = [transport(pageOrigin), transport(gatewayOrigin)];
  return both.find((verdict) => verdict === 'https_required') ?? (both[0] || both[1]!);
}
