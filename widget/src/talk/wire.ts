// How does one request reach the gateway? The only place in the panel that calls fetch.
import { json, parseEnvelope } from './parse';
import { Failed, trouble } from './trouble';

export interface Wire {
  readonly gateway: string;
  readonly widgetId: string;
  /** The longest time without a byte, also while waiting for the first one. */
  readonly silenceMs: number;
}

export interface Call {
  method: 'POST' | 'DELETE';
  path: string;
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal: AbortSignal;
  keepalive?: boolean;
}

/** An accepted answer; anything else is `Failed` with the envelope's trouble, or `unreachable`. */
export async function call(wire: Wire, { method, path, token, body, headers = {}, signal, keepalive = false }: Call): Promise<Response> {
  const given = new Headers(headers);
  given.set('X-Widget-ID', wire.widgetId);
  if (token) given.set('Authorization', `Bearer ${token}`);
  if (body !== undefined) given.set('Content-Type', 'application/json');
  let answer: Response;
  try {
    answer = await fetch(wire.gateway + path, {
      method,
      headers: given,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      redirect: 'error',
      keepalive,
      signal,
    });
  } catch (error) {
    throw failure(error, signal);
  }
  if (answer.ok) return answer;
  const text = await answer.text().catch(() => '');
  throw new Failed(parseEnvelope(json(text), answer.status, answer.headers.get('Retry-After') ?? ''));
}

/** What a thrown fetch or read means: our own abort keeps its reason, the rest is the network. */
export function failure(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new DOMException('', 'AbortError');
  return error instanceof Failed ? error : new Failed(trouble('unreachable'));
}

/** A signal that follows `outer`, and fires by itself after `ms` without a `touch()`. */
export function watch(outer: AbortSignal, ms: number): { signal: AbortSignal; touch(): void; end(): void } {
  const own = new AbortController();
  const follow = () => own.abort(outer.reason);
  let timer: ReturnType<typeof setTimeout>;
  const touch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => own.abort(new Failed(trouble('silent'))), ms);
  };
  if (outer.aborted) follow();
  outer.addEventListener('abort', follow);
  touch();
  return {
    signal: own.signal,
    touch,
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', follow);
    },
  };
}
