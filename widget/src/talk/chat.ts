// What happens from a sent question to its answer? The conductor: session, pace, attempts, stop. No DOM in here.
import { ask } from './ask';
import { isRunning, newExchange, nextId, type Exchange, type Item, type Phase } from './exchange';
import { Session, type Page } from './session';
import { clean, lengthOf } from './text';
import { Failed, sessionIsGone, trouble, type Trouble } from './trouble';
import { BACKOFF_MS, wait } from './wait';
import { call, type Wire } from './wire';

export interface Surroundings {
  readonly wire: Wire;
  readonly messageLength: number;
  readonly intervalMs: number;
  page(): Page | undefined;
  changed(): void;
  said(what: 'message' | 'answer' | 'error' | 'refused', detail: Record<string, string | number>): void;
  /** Calls `resume` when the network is back; returns how to stop listening. */
  whenOnline?(resume: () => void): () => void;
  /** For tests; 1, 2, 4 s otherwise. */
  backoffMs?: readonly number[];
}

/** Thrown into whatever runs when the visitor stops. */
const STOPPED = new DOMException('stopped', 'AbortError');

export class Chat {
  items: Item[] = [];
  /** Composer locked until then (`Date.now()` scale), and by what. */
  blockedUntil = 0;
  left = -1;
  #session: Session;
  #run: { exchange: Exchange; control: AbortController } | null = null;
  #admittedAt = -Infinity;

  constructor(private readonly around: Surroundings) {
    this.#session = new Session(around.wire, () => around.page());
  }

  get running(): Exchange | null {
    return this.#run?.exchange ?? null;
  }

  get blocked(): boolean {
    return this.blockedUntil > Date.now();
  }

  /** False when it was not taken: empty, too long, still answering, or locked. */
  send(typed: string): boolean {
    const text = clean(typed);
    if (!text || lengthOf(text) > this.around.messageLength || this.#run || this.blocked) return false;
    const exchange = newExchange(text);
    this.items = [...this.items, exchange];
    void this.#drive(exchange);
    return true;
  }

  /** The same message under the same key. */
  retry(exchange: Exchange): void {
    if (this.#run || this.blocked || isRunning(exchange)) return;
    exchange.answer = '';
    exchange.sources = [];
    void this.#drive(exchange);
  }

  /** Takes a refused question back off the timeline, to be changed. */
  takeBack(exchange: Exchange): string {
    this.items = this.items.filter((item) => item !== exchange);
    this.around.changed();
    return exchange.question;
  }

  stop(): void {
    const run = this.#run;
    if (!run) return;
    const { exchange, control } = run;
    const cut = () => control.abort(STOPPED);
    // From here on nothing of this run reaches the timeline, so the visitor can go on at once.
    this.#run = null;
    exchange.answeredAt = new Date();
    this.#set(exchange, 'stopped');
    if (!exchange.messageId || !this.#session.token) return cut();
    // Asking before cutting: once the connection is gone, the gateway may no longer know the stream.
    const limit = setTimeout(cut, 1000);
    call(this.around.wire, {
      method: 'DELETE',
      path: `/api/chat/${encodeURIComponent(exchange.messageId)}/stream`,
      token: this.#session.token,
      signal: control.signal,
    })
      .catch(() => {})
      .finally(() => {
        clearTimeout(limit);
        cut();
      });
  }

  /** Start over: nothing of the old conversation stays, here or as a session. */
  clear(): void {
    this.end();
    this.left = -1;
    this.around.changed();
  }

  /** A new conversation below the old one, and the question that was refused goes there. */
  renew(exchange: Exchange): void {
    this.#session.drop(true);
    this.#divide(exchange);
    this.retry(exchange);
  }

  end(): void {
    this.#run?.control.abort(STOPPED);
    this.#run = null;
    this.#session.drop(true);
    this.items = [];
  }

  async #drive(exchange: Exchange): Promise<void> {
    const control = new AbortController();
    this.#run = { exchange, control };
    exchange.trouble = null;
    this.#set(exchange, 'sending');
    try {
      await this.#attempts(exchange, control.signal);
    } catch (error) {
      if (this.#isLive(control.signal)) this.#failed(exchange, error);
    } finally {
      if (this.#isLive(control.signal)) this.#run = null;
      this.around.changed();
    }
  }

  /** One question until it is answered. Each kind of second chance is given once, and named. */
  async #attempts(exchange: Exchange, signal: AbortSignal): Promise<void> {
    const spent = { refresh: false, renewal: false, connection: 0, pause: 0 };
    const backoff = this.around.backoffMs ?? BACKOFF_MS;
    for (;;) {
      try {
        return await this.#once(exchange, signal);
      } catch (error) {
        if (!(error instanceof Failed) || exchange.answer || !this.#isLive(signal)) throw error;
        const problem = error.trouble;
        if (problem.code === 'token_expired' && !spent.refresh) {
          spent.refresh = true;
          this.#session.expire();
        } else if ((sessionIsGone(problem) || problem.code === 'token_expired') && !spent.renewal) {
          spent.renewal = true;
          this.#session.drop();
          this.#divide(exchange);
        } else if (problem.code === 'unreachable' && spent.connection < backoff.length) {
          this.#set(exchange, 'reconnecting');
          await wait(backoff[spent.connection++]!, signal, this.around.whenOnline);
        } else if (isShortPause(problem) && spent.pause++ < 5) {
          await wait((problem.retryAfter || 1) * 1000, signal);
        } else throw error;
        this.#set(exchange, 'sending');
      }
    }
  }

  async #once(exchange: Exchange, signal: AbortSignal): Promise<void> {
    const grant = await this.#session.ready(signal);
    // The gateway wants a pause between messages; keeping it here spares the visitor a refusal.
    const early = this.#admittedAt + this.around.intervalMs - performance.now();
    if (early > 0) await wait(early, signal);
    const live = () => this.#isLive(signal);
    const ids = { conversation_id: grant.conversationId };
    const ending = await ask(this.around.wire, grant, { text: exchange.question, key: exchange.key }, {
      admitted: () => {
        this.#admittedAt = performance.now();
        if (live()) this.#set(exchange, 'waiting');
        this.around.said('message', ids);
      },
      start: (messageId, conversationId) => {
        if (live()) this.#session.adopt(conversationId);
        exchange.messageId = messageId;
      },
      sources: (list) => {
        if (!live()) return;
        exchange.sources = list;
        this.#touch(exchange);
      },
      delta: (text) => {
        if (!text || !live()) return;
        // CR never matters in Markdown, and without it a delta can be cut anywhere.
        exchange.answer += text.replaceAll('\r', '');
        if (exchange.phase === 'streaming') this.#touch(exchange);
        else this.#set(exchange, 'streaming');
      },
    }, signal);
    if (!live()) return;
    exchange.finish = ending.reason;
    exchange.suggestions = ending.suggestions;
    this.left = ending.left;
    exchange.answeredAt = new Date();
    this.#set(exchange, 'done');
    this.around.said('answer', { ...ids, message_id: exchange.messageId, finish_reason: ending.reason });
  }

  /** Stopped runs stay alive a moment, until the gateway knows; they may no longer say anything. */
  #isLive(signal: AbortSignal): boolean {
    return this.#run?.control.signal === signal;
  }

  #failed(exchange: Exchange, error: unknown): void {
    exchange.answeredAt = new Date();
    // Anything that is not ours is a bug; the visitor still gets an answer to "what now".
    const problem = error instanceof Failed ? error.trouble : trouble('malformed');
    exchange.trouble = problem;
    if (problem.retryAfter && (problem.status === 429 || problem.status === 503 || !problem.status))
      this.blockedUntil = Date.now() + problem.retryAfter * 1000;
    this.#set(exchange, 'failed');
    this.around.said(problem.status >= 400 && problem.status < 500 ? 'refused' : 'error', {
      code: problem.code,
      request_id: problem.requestId,
      retry_after: problem.retryAfter,
    });
  }

  /** The line goes between what was answered and the question that starts the new conversation. */
  #divide(exchange: Exchange): void {
    const at = this.items.indexOf(exchange);
    if (at > 0 && this.items[at - 1]?.kind === 'exchange')
      this.items = [...this.items.slice(0, at), { kind: 'divider', id: nextId() }, ...this.items.slice(at)];
  }

  #set(exchange: Exchange, phase: Phase): void {
    if (exchange.phase !== phase) exchange.since = performance.now();
    exchange.phase = phase;
    this.#touch(exchange);
  }

  #touch(exchange: Exchange): void {
    exchange.revision++;
    this.around.changed();
  }
}

/** Refusals that only say "a moment": the visitor need not know. */
const isShortPause = ({ code, limitType, retryAfter }: Trouble): boolean =>
  code === 'idempotency_in_progress' || (code === 'rate_limit_exceeded' && limitType.includes('interval') && retryAfter <= 5);
