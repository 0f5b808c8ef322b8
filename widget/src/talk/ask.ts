// How is one message sent and its answer read? One attempt; who calls decides about another.
import { EventReader, type StreamEvent } from './events';
import { json, parseDelta, parseEnding, parseEnvelope, parseSources, parseStart, type Ending, type Grant, type Source } from './parse';
import { Failed, trouble } from './trouble';
import { call, failure, watch, type Wire } from './wire';

export interface Question {
  readonly text: string;
  /** Idempotency key: one for each message, kept over all its retries. */
  readonly key: string;
}

export interface Listener {
  /** The gateway has let the message in (answer headers are here). */
  admitted(): void;
  start(messageId: string, conversationId: string): void;
  sources(list: Source[]): void;
  delta(text: string): void;
}

/** Resolves with how the answer ended; throws `Failed`, or what `outer` was aborted with. */
export async function ask(wire: Wire, grant: Grant, question: Question, listener: Listener, outer: AbortSignal): Promise<Ending> {
  const { signal, touch, end } = watch(outer, wire.silenceMs);
  try {
    const answer = await call(wire, {
      method: 'POST',
      path: '/api/chat',
      token: grant.token,
      body: { message: question.text, conversation_id: grant.conversationId, widget_id: wire.widgetId },
      headers: { Accept: 'text/event-stream', 'Idempotency-Key': question.key },
      signal,
    });
    touch();
    listener.admitted();
    if (/^text\/event-stream/i.test(answer.headers.get('Content-Type') ?? '') && answer.body)
      return await read(answer.body, listener, touch);
    return whole(json(await answer.text()), listener);
  } catch (error) {
    throw failure(error, signal);
  } finally {
    end();
  }
}

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
function take({ name, data }: StreamEvent, listener: Listener): Ending | null {
  const raw = json(data);
  if (raw === null && /^(start|sources|delta|done|error)$/.test(name)) throw new Failed(trouble('malformed'));
  if (name === 'delta') listener.delta(parseDelta(raw));
  else if (name === 'sources') listener.sources(parseSources(raw));
  else if (name === 'start') {
    const { messageId, conversationId } = parseStart(raw);
    listener.start(messageId, conversationId);
  } else if (name === 'error') throw new Failed(parseEnvelope(raw, 0));
  else if (name === 'done') return parseEnding(raw);
  return null;
}

/** The same answer as plain JSON: a gateway may answer so to any client. */
function whole(raw: unknown, listener: Listener): Ending {
  const given = (raw && typeof raw === 'object' ? raw : {}) as Record<string, unknown>;
  if (typeof given.response !== 'string') throw new Failed(trouble('malformed'));
  const { messageId, conversationId } = parseStart(raw);
  listener.start(messageId, conversationId);
  listener.sources(parseSources(given.citations));
  listener.delta(given.response);
  return parseEnding(raw);
}
