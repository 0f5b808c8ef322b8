// May this visitor talk right now? The session lives in this object only, and dies with it.
import { json, parseGrant, type Grant } from './parse';
import { Clock, Prover } from './proof';
import { newKey } from './text';
import { Failed, sessionIsGone, trouble } from './trouble';
import { until } from './wait';
import { call, failure, watch, type Call, type Wire } from './wire';

/** A token this close to its end could expire on the way. */
const MARGIN_MS = 30_000;

export interface Page {
  readonly url: string;
  readonly title: string;
}

/** What outlives the page: a handle that leads back to the session (src/resume). */
export interface Memory {
  /** Opens with what was kept; null where there is nothing, or nothing that works any more. `get`: a request of the session that was opened. */
  open(given: object, post: (body: object, headers: Record<string, string>) => Promise<Grant>, get: (path: string) => Promise<Response>): Promise<Grant | null>;
  /** In place of what was kept before; empty: forget it. */
  keep(handle: string): void;
}

/** With these, a session's conversation can be erased, also when it has ended. */
export interface Held extends Grant {
  readonly prover: Promise<Prover | null> | null;
}

export class Session {
  /** Ended, and some of it is still on screen: what a session has left can be erased with its key. */
  past: Held[] = [];
  #grant: Grant | null = null;
  /** One opening for all who wait for it, and what ends it. */
  #opening: Promise<Grant> | null = null;
  #life = new AbortController();
  #endsAt = 0;
  #clock = new Clock();
  /** The key that the session is bound to; one for each session, made when the first message needs it. */
  #prover: Promise<Prover | null> | null = null;

  constructor(
    readonly wire: Wire,
    private readonly page: () => Page | undefined,
    private readonly credentials: () => Promise<object> = async () => ({}),
    private readonly memory?: () => Promise<Memory | null>,
  ) {}

  /** Opens a session or refreshes an old token when needed; throws `Failed`. */
  async ready(signal: AbortSignal): Promise<Grant> {
    // The conversation's id is ours to choose, and the same over retries: they must have the same body.
    if (this.wire.tokenless) return (this.#grant ??= { token: '', lifeMs: 0, conversationId: `conv_${newKey().replace(/-/g, '')}`, serverTime: 0, resume: '' });
    if (this.#opening || !this.#grant) {
      const opening = (this.#opening ??= this.#open(this.#life.signal));
      // Failed or not, the next one who asks looks again.
      const over = () => void (this.#opening === opening && (this.#opening = null));
      opening.then(over, over);
      return until(opening, signal);
    }
    if (this.#endsAt - performance.now() > MARGIN_MS) return this.#grant;
    try {
      return await this.#post('/api/sessions/refresh', signal);
    } catch (error) {
      // Whatever the gateway has against the old token, it will not get better.
      if (error instanceof Failed && (error.trouble.status === 401 || sessionIsGone(error.trouble)))
        throw new Failed(trouble('session_expired', { status: 410 }));
      throw error;
    }
  }

  get isOpen(): boolean {
    return !!this.#grant?.token;
  }

  /** Empty before there is a session. */
  get conversationId(): string {
    return this.isOpen ? this.#grant!.conversationId : '';
  }

  /** All that there is, the newest last. */
  get held(): Held[] {
    return this.isOpen ? [...this.past, { ...this.#grant!, prover: this.#prover }] : this.past;
  }

  /** A request of this session, with its token and a proof of its key. */
  async call(request: Omit<Call, 'token' | 'prover'>): Promise<Response> {
    // Both as they are now: the session may be dropped while the key is still being made.
    const token = this.#grant?.token;
    return call(this.wire, { ...request, token, prover: this.wire.tokenless ? null : await (this.#prover ??= Prover.make(this.#clock)) });
  }

  /** The gateway says that the token is old: refresh before the next message. */
  expire(): void {
    this.#endsAt = 0;
  }

  /** The gateway moved the conversation on: the next message goes there. */
  adopt(conversationId: string): void {
    if (this.#grant && conversationId) this.#grant = { ...this.#grant, conversationId };
  }

  /** Forget it; with `tell` for good: the gateway is asked to end it too, and nothing leads back to it. */
  drop(tell = false): void {
    if (tell) this.#keep('');
    if (tell && this.isOpen)
      // Nobody waits for this: without it, the session ends by being idle.
      this.call({
        method: 'DELETE',
        path: '/api/sessions/current',
        signal: new AbortController().signal,
        keepalive: true,
      }).catch(() => {});
    this.past = this.held;
    this.#life.abort(new Failed(trouble('session_expired', { status: 410 })));
    this.#life = new AbortController();
    this.#grant = this.#prover = this.#opening = null;
  }

  async #open(life: AbortSignal): Promise<Grant> {
    const { signal, end } = watch(life, this.wire.silenceMs);
    try {
      const [memory, credentials] = await until(Promise.all([this.memory?.(), this.credentials()]), signal);
      const given = { widget_id: this.wire.widgetId, page: this.page(), ...credentials };
      const post = (body: object, headers?: Record<string, string>) => this.#post('/api/sessions', life, body, headers);
      return (await memory?.open(given, post, (path) => this.call({ method: 'GET', path, signal }))) ?? (await post(given));
    } catch (error) {
      throw failure(error, signal);
    } finally {
      end();
    }
  }

  #hold(grant: Grant): Grant {
    this.#endsAt = performance.now() + grant.lifeMs;
    this.#clock.correct(grant.serverTime);
    this.#keep(grant.resume);
    return (this.#grant = grant);
  }

  #keep(handle: string): void {
    void this.memory?.().then((memory) => memory?.keep(handle));
  }

  async #post(path: string, outer: AbortSignal, body?: unknown, headers?: Record<string, string>): Promise<Grant> {
    const life = this.#life.signal;
    const { signal, end } = watch(outer, this.wire.silenceMs);
    try {
      const answer = await this.call({ method: 'POST', path, signal, body, headers });
      const grant = parseGrant(json(await answer.text()), this.#grant?.conversationId);
      // Dropped meanwhile: it belongs to nobody who is here.
      life.throwIfAborted();
      return this.#hold(grant);
    } catch (error) {
      throw failure(error, signal);
    } finally {
      end();
    }
  }
}
