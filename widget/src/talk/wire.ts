// How does one request reach the gateway? The only place in the panel that calls fetch.
import { json, parseEnvelope } from './parse';
import type { Prover } from './proof';
import { Failed, trouble } from './trouble';

export interface Wire {
  readonly gateway: string;
  readonly widgetId: string;
  /** The longest time without a byte, also while waiting for the first one. */
  readonly silenceMs: number;
  /** Domain mode: nothing is opened, and nothing but messages can be asked for. */
  readonly tokenless?: boolean;
}

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  token?: string | undefined;
  /** Holds the session's key; null for a session without one. */
  prover?: Prover | null;
  body?: unknown;
  headers?: Record<string, string> | undefined;
  signal: AbortSignal;
  keepalive?: boolean;
}

/**
 * An accepted answer; anything else is `Failed` with the envelope's trouble, or `unreachable`. A proof that was refused
 * is made anew once, by the gateway's clock (limits-and-sessions, "Session").
 */
export async function call(wire: Wire, request: Call, isRepeated = false): Promise<Response> {
  const { method, path, token, prover, body, headers, signal, keepalive = false } = request;
  const url = wire.gateway + path;
  const given = new Headers(headers);
  given.set('X-Widget-ID', wire.widgetId);
  if (token) given.set('Authorization', `Bearer ${token}`);
  if (body !== undefined) given.set('Content-Type', 'application/json');
  // A key that has stopped working is like none: the gateway says what follows from that.
  const proof = await prover?.prove(method, url, token).catch(() => '');
  if (proof) given.set('DPoP', proof);
  let answer: Response;
  try {
    answer = await fetch(url, {
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
  const problem = parseEnvelope(json(text), answer.status, answer.headers.get('Retry-After') ?? '');
  if (problem.code !== 'invalid_proof' || !(problem.serverTime > 0) || !prover || isRepeated) throw new Failed(problem);
  prover.clock.correct(problem.serverTime);
  return call(wire, request, true);
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
