// What happens from a sent question to its answer? The conductor: session, pace, attempts, stop. No DOM in here.
import { ask, streamOf } from './ask';
import { grow, isRunning, newExchange, nextId, restart, type Exchange, type Item, type Phase, type Rating } from './exchange';
import { Session, type Memory, type Page } from './session';
import { clean, lengthOf } from './text';
import { Failed, isFinal, isLost, sessionIsGone, trouble, type Trouble } from './trouble';
import { BACKOFF_MS, FOREVER_MS, until, wait } from './wait';
import { failure, watch, type Call, type Wire } from './wire';

export interface Surroundings {
  readonly wire: Wire;
  readonly messageLength: number;
  readonly intervalMs: number;
  page(): Page | undefined;
  /** What the page gives for a session, besides its origin. */
  credentials?(): Promise<object>;
  /** What leads back to a session after the page was loaded anew, where the widget has that. */
  memory?(): Promise<Memory | null>;
  /** Until it settles, nothing is asked: it is not known who the visitor is, or what they said before. Never rejects. */
  settled?(): Promise<unknown> | undefined;
  changed(): void;
  said(what: 'message' | 'answer' | 'error' | 'refused', detail: Record<string, string | number>): void;
  /** What becomes of an answer that is HTML; without it, such an answer is text like any other. Never rejects. */
  enrich?(html: string): Promise<Pick<Exchange, 'answer' | 'drawn'>>;
  /** Waits for the words that say what the gateway has refused. Never rejects. */
  explain?(problem: Trouble): Promise<void>;
  /** Calls `resume` when the network is back; returns how to stop listening. */
  whenOnline?(resume: () => void): () => void;
  /** The browser knows that there is no network. */
  isOffline?(): boolean;
  /** For tests; 1, 2, 4 s otherwise. */
  backoffMs?: readonly number[];
}

/** Thrown into whatever runs when the visitor stops. */
const STOPPED = new DOMException('stopped', 'AbortError');

export class Chat {
  items: Item[] = [];
  /** Nothing is sent until then (`Date.now()` scale). */
  blockedUntil = 0;
  left = -1;
  #session: Session;
  #run: { exchange: Exchange; control: AbortController } | null = null;
  #admittedAt = -Infinity;

  constructor(private readonly around: Surroundings) {
    this.#session = new Session(around.wire, () => around.page(), around.credentials, around.memory);
  }

  get running(): Exchange | null {
    return this.#run?.exchange ?? null;
  }

  get blocked(): boolean {
    return this.blockedUntil > Date.now();
  }

  /** What went wrong with the last message. */
  get trouble(): Trouble | null {
    const last = this.items.at(-1);
    return last?.kind === 'exchange' ? last.trouble : null;
  }

  /** No message is taken, and no waiting helps. */
  get isShut(): boolean {
    return !!this.trouble && isFinal(this.trouble);
  }

  /** Of the session that is open; else empty. */
  get conversationId(): string {
    return this.#session.conversationId;
  }

  get session(): Session {
    return this.#session;
  }

  /** Opens the session before there is a message: what the page gave for it may not live that long. Never rejects. */
  async prepare(): Promise<void> {
    // Whatever goes wrong now is told when there is a message.
    await this.#session.ready(new AbortController().signal).catch(() => {});
  }

  /** Shows what was said before the page was loaded anew, and goes on with the answer that was being made then. */
  restore(items: Item[]): void {
    this.items = items;
    for (const item of items) {
      if (item.kind !== 'exchange' || !item.isEarlier || !isRunning(item)) continue;
      // One at a time: what cannot be joined now stays as it is.
      if (item === items.at(-1) && !this.#run) void this.#drive(item);
      else item.phase = 'stopped';
    }
    this.around.changed();
  }

  /** False when it was not taken: empty, too long, still answering, or locked. */
  send(typed: string): boolean {
    const text = clean(typed);
    if (!text || lengthOf(text) > this.around.messageLength || this.#run || this.blocked || this.isShut) return false;
    const exchange = newExchange(text);
    this.items = [...this.items, exchange];
    void this.#drive(exchange);
    return true;
  }

  /** The same message under the same key. */
  retry(exchange: Exchange): void {
    if (this.#run || this.blocked || isRunning(exchange)) return;
    restart(exchange);
    exchange.isRepeated = true;
    exchange.messageId = '';
    exchange.sources = [];
    void this.#drive(exchange);
  }

  /** The question in other words. What it replaces stays, folded away: the gateway has heard it. */
  resend(exchange: Exchange, typed: string): void {
    if (!this.send(typed)) return;
    exchange.isFolded = true;
    this.#touch(exchange);
  }

  /** What the visitor thinks of the answer, as it is shown. */
  rate(exchange: Exchange, rating: Rating): void {
    exchange.rating = rating;
    this.#touch(exchange);
  }

  /** A request about what was said. Throws `Failed`; what an ended session has left cannot be asked for. */
  async call(request: Pick<Call, 'method' | 'path' | 'body'>, isRepeated = false): Promise<Response> {
    if (!this.#session.isOpen) throw new Failed(trouble('session_expired'));
    const { signal, end } = watch(new AbortController().signal, this.around.wire.silenceMs);
    try {
      await this.#session.ready(signal);
      return await this.#session.call({ ...request, signal });
    } catch (error) {
      const problem = failure(error, signal);
      if (isRepeated || !(problem instanceof Failed) || problem.trouble.code !== 'token_expired') throw problem;
      this.#session.expire();
      return await this.call(request, true);
    } finally {
      end();
    }
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
    void this.#enrich(exchange);
    if (!exchange.messageId || !this.#session.isOpen) return cut();
    // Asking before cutting: once the connection is gone, the gateway may no longer know the stream.
    const limit = setTimeout(cut, 1000);
    this.#session
      .call({ method: 'DELETE', path: streamOf(exchange.messageId), signal: control.signal })
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
    this.#session.past = [];
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
      // Anything that is not ours is a bug; the visitor still gets an answer to "what now".
      const problem = error instanceof Failed ? error.trouble : trouble('malformed');
      await this.around.explain?.(problem);
      if (this.#isLive(control.signal)) this.#failed(exchange, problem);
    } finally {
      if (this.#isLive(control.signal)) this.#run = null;
      this.around.changed();
    }
  }

  /** One question until it is answered. Each kind of second chance is given once, and named. */
  async #attempts(exchange: Exchange, signal: AbortSignal): Promise<void> {
    const spent = { refresh: false, renewal: false, connection: 0, pause: 0, reach: 0 };
    const backoff = this.around.backoffMs ?? BACKOFF_MS;
    // Why the answer has to be joined: what the visitor is told when that is not possible any more.
    let lost = trouble('cut');
    for (;;) {
      const joins = !!exchange.messageId;
      try {
        return await this.#once(exchange, signal);
      } catch (error) {
        if (!(error instanceof Failed) || !this.#isLive(signal)) throw error;
        let problem = error.trouble;
        if (joins && problem.status === 404) {
          if (exchange.isEarlier) throw new Failed(lost);
          problem = lost;
          exchange.messageId = '';
        }
        const { reach, messageId } = exchange;
        if (reach > spent.reach) {
          spent.reach = reach;
          spent.connection = 0;
        }
        // Text on screen goes on where it stopped, or not at all: another start would change what was read.
        if (reach && !messageId) throw new Failed(problem);
        if (problem.code === 'token_expired' && !spent.refresh) {
          spent.refresh = true;
          this.#session.expire();
        } else if (!reach && (sessionIsGone(problem) || problem.code === 'token_expired') && !spent.renewal) {
          spent.renewal = true;
          this.#session.drop();
          this.#divide(exchange);
          exchange.messageId = '';
        } else if (isLost(problem, !!messageId) && spent.connection < backoff.length) {
          lost = problem;
          this.#set(exchange, 'reconnecting');
          // Without a network there is nothing to try: it goes on by itself when there is one.
          await wait(this.around.isOffline?.() ? FOREVER_MS : backoff[spent.connection++]!, signal, this.around.whenOnline);
        } else if (problem.messageId && !joins) {
          lost = problem;
          exchange.messageId = problem.messageId;
        } else if (isShortPause(problem) && spent.pause++ < 5) {
          await wait((problem.retryAfter || 1) * 1000, signal);
        } else throw new Failed(problem);
        if (!exchange.messageId) this.#set(exchange, 'sending');
      }
    }
  }

  async #once(exchange: Exchange, signal: AbortSignal): Promise<void> {
    await until(Promise.resolve(this.around.settled?.()), signal);
    const grant = await this.#session.ready(signal);
    // The gateway wants a pause between messages; keeping it here spares the visitor a refusal.
    const early = this.#admittedAt + this.around.intervalMs - performance.now();
    if (early > 0 && !exchange.messageId) await wait(early, signal);
    const live = () => this.#isLive(signal);
    const ids = { conversation_id: grant.conversationId };
    const ending = await ask(this.around.wire, this.#session, grant.conversationId, exchange, {
      admitted: () => {
        if (live()) this.#set(exchange, exchange.reach ? 'streaming' : 'waiting');
        this.#admittedAt = performance.now();
        if (!exchange.told) this.around.said('message', ids);
        exchange.told = true;
      },
      start: (messageId, conversationId, afresh, isHtml) => {
        if (live()) this.#session.adopt(conversationId);
        if (afresh) restart(exchange);
        exchange.messageId = messageId;
        if (isHtml && this.around.enrich) exchange.html ??= '';
      },
      sources: (list) => {
        if (!live()) return;
        exchange.sources = list;
        this.#touch(exchange);
      },
      delta: (text, place) => {
        if (!text || !live()) return;
        if (!grow(exchange, text, place)) throw new Failed(trouble('cut'));
        if (exchange.phase === 'streaming') this.#touch(exchange);
        else this.#set(exchange, 'streaming');
      },
    }, signal);
    await this.#enrich(exchange);
    if (!live()) return;
    exchange.finish = ending.reason;
    exchange.suggestions = ending.suggestions;
    this.left = ending.left;
    exchange.answeredAt = new Date();
    this.#set(exchange, 'done');
    this.around.said('answer', { ...ids, message_id: exchange.messageId, finish_reason: ending.reason });
  }

  /** HTML is drawn once, when it is whole or will not grow any more. */
  async #enrich(exchange: Exchange): Promise<void> {
    const { html } = exchange;
    const made = html && (await this.around.enrich?.(html));
    // Asked for again in the meantime, it begins anew.
    if (!made || exchange.html !== html) return;
    Object.assign(exchange, made);
    this.#touch(exchange);
  }

  /** Stopped runs stay alive a moment, until the gateway knows; they may no longer say anything. */
  #isLive(signal: AbortSignal): boolean {
    return this.#run?.control.signal === signal;
  }

  #failed(exchange: Exchange, problem: Trouble): void {
    exchange.answeredAt = new Date();
    exchange.trouble = problem;
    if (problem.retryAfter && (problem.status === 429 || problem.status === 503 || !problem.status))
      this.blockedUntil = Date.now() + problem.retryAfter * 1000;
    this.#set(exchange, 'failed');
    void this.#enrich(exchange);
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
