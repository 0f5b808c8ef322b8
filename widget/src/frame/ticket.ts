// What opens a session of the gateway's own origin? A frame ticket: 60 s old at most, for one session.

/** A ticket is left alone in its last seconds: it has to arrive too. */
const LIFE_MS = 50_000;

/** The page's own ticket first; for another one the page is asked for again. */
export function tickets(first: string): () => Promise<string> {
  let known = first;
  return async () => {
    const ticket = performance.now() < LIFE_MS ? known : '';
    known = '';
    if (ticket) return ticket;
    const page = await fetch(location.pathname, { credentials: 'omit', cache: 'no-store' });
    return /data-ticket="([\w.-]+)"/.exec(await page.text())?.[1] ?? '';
  };
}
