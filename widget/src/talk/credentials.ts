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

/** Somebody's name for comparing: a new token of the same person is no other person. Null: nobody, or not known before a function is asked. */
export function personOf(identity: Source | null | undefined): unknown {
  if (!identity || typeof identity !== 'string') return null;
  try {
    const claims = atob(identity.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'));
    return `${(JSON.parse(claims) as { sub: unknown }).sub}`;
  } catch {
    return identity;
  }
}

/** Tells who the page says the visitor is: a text at once; a function is asked, for it may name somebody else now. */
export async function whoIs(credentials: Credentials, tell: (person: unknown) => void): Promise<void> {
  const { identity } = credentials;
  if (typeof identity !== 'function') return tell(personOf(identity));
  const person = await Promise.resolve().then(identity).then(personOf, () => null);
  // Unless the page has named another one since.
  if (credentials.identity === identity) tell(person);
}
