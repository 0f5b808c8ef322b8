// What may a visitor do with their own conversation? Rate an answer, take all away as a file, have it erased on the server.
import type { Scene } from '../panel/scene';
import type { Chat } from '../talk/chat';
import type { Exchange, Rating } from '../talk/exchange';
import { Failed } from '../talk/trouble';
import { call } from '../talk/wire';

/** Longer than the gateway ever takes. */
const PATIENCE_MS = 30_000;

const pathOf = ({ conversationId }: Chat): string => `/api/conversations/${encodeURIComponent(conversationId)}`;

/** Throws `Failed`. `format`: `txt`, `md` or `json`. */
export async function download(chat: Chat, format: string): Promise<void> {
  const answer = await chat.call({ method: 'GET', path: `${pathOf(chat)}/export?format=${format}` });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `chat-${new Date().toISOString().slice(0, 10)}.${format}`;
  // Not in the page, so that no listener of the page takes it for a click of its own.
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Erases what is on the timeline; false when something of before the last session could not be. Sessions are left open.
 * Throws `Failed`: then the newest conversation is there as before, or it is not known what is left, and asking again is right.
 */
export async function erase(chat: Chat): Promise<boolean> {
  let isWhole = true;
  const { held, wire } = chat.session;
  for (const { conversationId, token, prover } of held.toReversed()) {
    const request = { method: 'DELETE', path: `/api/conversations/${encodeURIComponent(conversationId)}` } as const;
    try {
      await call(wire, { ...request, token, prover: await prover, signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      const { status } = error.trouble;
      // Gone is what was wanted.
      if (status === 404) continue;
      if (!/^4(01|03|10)$/.test(`${status}`)) throw error;
      // Without a key, only a session that lives can do it: its own, or the newest of a visitor who is known.
      await chat.call(request).catch((problem: unknown) => {
        const isGone = problem instanceof Failed && problem.trouble.status === 404;
        if (conversationId !== chat.conversationId) isWhole = false;
        else if (!isGone) throw problem;
      });
    }
  }
  return isWhole;
}

/** The latest opinion counts. Throws `Failed`, and then the one before holds. */
export async function rate({ chat, said }: Scene, exchange: Exchange, rating: Rating, comment: string): Promise<void> {
  const before = exchange.rating;
  chat.rate(exchange, rating);
  try {
    await chat.call({
      method: 'POST',
      path: `/api/messages/${encodeURIComponent(exchange.messageId)}/feedback`,
      body: { rating, ...(comment && { comment }) },
    });
  } catch (error) {
    chat.rate(exchange, before);
    throw error;
  }
  said('feedback', { message_id: exchange.messageId, rating });
}
