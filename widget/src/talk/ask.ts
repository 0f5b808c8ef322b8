// How is one message sent, or its answer joined, and the answer read? One attempt; who calls decides about another.
import { EventReader, type StreamEvent } from './events';
import { json, parseDelta, parseEnding, parseEnvelope, parseSources, parseStart, type Ending, type Source } from './parse';
import type { Session } from './session';
import { Failed, trouble } from './trouble';
import { failure, watch, type Wire } from './wire';

export interface Question {
  readonly question: string;
  /** Idempotency key: one for each message, kept over all its retries. */
  readonly key: string;
  /** The answer that is already there to be joined, at `place`; empty to send the message. */
  readonly messageId: string;
  readonly place: string;
}

export interface Listener {
  /** The gateway has let the message in (answer headers are here). */
  admitted(): void;
  /** `afresh`: from its beginning, whatever of it was here before. */
  start(messageId: string, conversationId: string, afresh: boolean, isHtml: boolean): void;
  sources(list: Source[]): void;
  /** `place`: the gateway's name for where the answer is after it, led by its length in code points; may be empty. */
  delta(text: string, place: string): void;
}

/** Resolves with how the answer ended; throws `Failed`, or what `outer` was aborted with. */
export async function ask(
  wire: Wire,
  session: Session,
  conversationId: string,
  question: Question,
  listener: Listener,
  outer: AbortSignal,
): Promise<Ending> {
  const { signal, touch, end } = watch(outer, wire.silenceMs);
  try {
    const { messageId, place } = question;
    const Accept = 'text/event-stream';
    const headers: Record<string, string> = { Accept };
    // Without any text the stream is wanted from its beginning, sources included.
    if (place) headers['Last-Event-ID'] = place;
    const answer = await session.call(
      // Without a session, the message itself under its key leads back to its answer.
      messageId && !wire.tokenless
        ? { method: 'GET', path: streamOf(messageId), headers, signal }
        : {
            method: 'POST',
            path: '/api/chat',
            body: { message: question.question, conversation_id: conversationId, widget_id: wire.widgetId },
            headers: { ...headers, 'Idempotency-Key': question.key },
            signal,
          },
    );
    touch();
    listener.admitted();
    // Something in between that answers by itself, and calls it a success.
    if (!/^text\/event-stream/i.test(answer.headers.get('Content-Type') ?? '') || !answer.body) throw new Failed(trouble('malformed'));
    return await read(answer.body, listener, touch);
  } catch (error) {
    throw failure(error, signal);
  } finally {
    end();
  }
}

/** Where the answer's stream is joined, and where it is stopped. */
export const streamOf = (messageId: string): string => `/api/chat/${encodeURIComponent(messageId)}/stream`;

async function read(body: ReadableStream<Uint8Array>, listener: Listener, touch: () => void): Promise<Ending> {
  let ending: Ending | null = null;
  const events = new EventReader((event) => {
    ending ??= take(event, listener);
  });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // The end of the body without `done` or `error` means that something in between gave up.
      if (done) throw new Failed(trouble('cut'));
      touch();
      events.push(value);
      if (ending) return ending;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Failed(trouble('malformed'));
    throw error instanceof TypeError ? new Failed(trouble('cut')) : error;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Hands one event on; returns the ending when it was the last. Unknown events are of a newer gateway: skipped. */
function take({ name, data, id }: StreamEvent, listener: Listener): Ending | null {
  const raw = json(data);
  if (raw === null && /^(start|sources|delta|done|error)$/.test(name)) throw new Failed(trouble('malformed'));
  if (name === 'delta') listener.delta(parseDelta(raw), id);
  else if (name === 'sources') listener.sources(parseSources(raw));
  else if (name === 'start') {
    const { messageId, conversationId, isHtml } = parseStart(raw);
    listener.start(messageId, conversationId, !parseInt(id, 10), isHtml);
  } else if (name === 'error') throw new Failed(parseEnvelope(raw, 0));
  else if (name === 'done') return parseEnding(raw);
  return null;
}
