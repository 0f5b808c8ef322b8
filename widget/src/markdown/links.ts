// Where may a link lead? Absolute http, https, mailto and tel; anything else is shown as text.

export interface Target {
  readonly href: string;
  /** Empty for mail and telephone. */
  readonly host: string;
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
  if (url.protocol === 'mailto:' || url.protocol === 'tel:') return { href: url.href, host: '' };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  // "https://bank.example@evil.example" reads like another place than it is.
  if (url.username || url.password) return null;
  return { href: url.href, host: url.host.replace(/^www\./, '') };
}

/** On every link that leaves the page. */
export const OUT = { target: '_blank', rel: 'noopener noreferrer nofollow ugc' } as const;
