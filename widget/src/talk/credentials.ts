// What lets a session open besides the page's origin? An identity or a ticket, taken from the page when it is needed.
import type { Credentials, Source } from '../contract/page';

const take = (source: Source | null | undefined): string | Promise<string> | undefined =>
  (typeof source === 'function' ? source() : source) || undefined;

/** `identified`: the owner wants to know who the visitor is; otherwise the gateway takes no identity. */
export async function takeCredentials({ identity, ticket }: Credentials, identified: boolean): Promise<Record<string, string | undefined>> {
  // The function may be an arrow around fetch: what comes may end with a line break.
  const [who, pass] = await Promise.all([identified ? take(identity) : undefined, take(ticket)]);
  return { identity: who?.trim(), ticket: pass?.trim() };
}

/** Somebody's name for comparing: a new token of the same person is no other person. */
export function personOf(identity: Source | null | undefined): unknown {
  if (typeof identity !== 'string') return identity ?? null;
  try {
    const claims = atob(identity.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'));
    return `${(JSON.parse(claims) as { sub: unknown }).sub}`;
  } catch {
    return identity;
  }
}
