// What lets a session open besides the page's origin? An identity or a ticket, taken from the page when it is needed.
import type { Credentials, Source } from '../contract/page';

/** Whoever was there before stays on screen until a function has answered. */
const PATIENCE_MS = 10_000;

/** Rejects when the page's function does. */
export async function take(source: Source | null | undefined): Promise<string | undefined> {
  try {
    // The function may be an arrow around fetch: what comes may end with a line break.
    return ((await (typeof source === 'function' ? source() : source)) ?? '').trim() || undefined;
  } catch (error) {
    console.warn('Chatkeep: no identity or ticket:', error);
    throw error;
  }
}

/** `identified`: the owner wants to know who the visitor is; otherwise the gateway takes no identity. */
export async function takeCredentials({ identity, ticket }: Credentials, identified: boolean): Promise<Record<string, string | undefined>> {
  const [who, pass] = await Promise.all([identified ? take(identity) : undefined, take(ticket)]);
  return { identity: who, ticket: pass };
}

/** Somebody's name for comparing: a new token of the same person is no other person. Null: nobody, or not known before a function is asked. */
export function personOf(identity: Source | null | undefined): unknown {
  if (!identity || typeof identity !== 'string') return null;
  try {
    const { sub } = JSON.parse(atob(identity.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))) as { sub?: unknown };
    if (sub) return `${sub as string}`;
  } catch {
    // What is no token is compared as it is.
  }
  return identity;
}

/** Whom a taken identity names. Nobody, where it fails or takes too long; never rejects. */
export const whoIs = (taken: Promise<string | undefined>): Promise<unknown> =>
  Promise.race([taken.then(personOf, () => null), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null))]);
