// What may a visitor do with their own conversation? Rate an answer, take all away as a file, have it erased on the server.
import type { Scene } from '../panel/scene';
import type { Chat } from '../talk/chat';
import type { Exchange, Rating } from '../talk/exchange';
import { Failed } from '../talk/trouble';

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

/** Throws `Failed`: then nothing is erased. The session is left open. */
export async function erase(chat: Chat): Promise<void> {
  try {
    await chat.call({ method: 'DELETE', path: pathOf(chat) });
  } catch (error) {
    // Gone is what was wanted.
    if (!(error instanceof Failed) || error.trouble.status !== 404) throw error;
  }
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
