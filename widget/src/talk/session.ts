// May this visitor talk right now? The session lives in this object only, and dies with it.
import { json, parseGrant, type Grant } from './parse';
import { Failed, sessionIsGone, trouble } from './trouble';
import { call, failure, watch, type Wire } from './wire';

/** A token this close to its end could expire on the way. */
const MARGIN_MS = 30_000;

export interface Page {
  readonly url: string;
  readonly title: string;
}

export class Session {
  #grant: Grant | null = null;
  #endsAt = 0;

  constructor(
    private readonly wire: Wire,
    private readonly page: () => Page | undefined,
  ) {}

  /** Opens a session or refreshes an old token when needed; throws `Failed`. */
  async ready(signal: AbortSignal): Promise<Grant> {
    if (!this.#grant) return this.#hold(await this.#post('/api/sessions', signal, { widget_id: this.wire.widgetId, page: this.page() }));
    if (this.#endsAt - performance.now() > MARGIN_MS) return this.#grant;
    try {
      return this.#hold(await this.#post('/api/sessions/refresh', signal));
    } catch (error) {
      // Whatever the gateway has against the old token, it will not get better.
      if (error instanceof Failed && (error.trouble.status === 401 || sessionIsGone(error.trouble)))
        throw new Failed(trouble('session_expired', { status: 410 }));
      throw error;
    }
  }

  get token(): string {
    return this.#grant?.token ?? '';
  }

  /** The gateway says that the token is old: refresh before the next message. */
  expire(): void {
    this.#endsAt = 0;
  }

  /** The gateway moved the conversation on: the next message goes there. */
  adopt(conversationId: string): void {
    if (this.#grant && conversationId) this.#grant = { ...this.#grant, conversationId };
  }

  /** Forget it; with `tell`, the gateway is asked to end it too. */
  drop(tell = false): void {
    if (tell && this.#grant)
      // Nobody waits for this: without it, the session ends by being idle.
      call(this.wire, {
        method: 'DELETE',
        path: '/api/sessions/current',
        token: this.#grant.token,
        signal: new AbortController().signal,
        keepalive: true,
      }).catch(() => {});
    this.#grant = null;
  }

  #hold(grant: Grant): Grant {
    this.#endsAt = performance.now() + grant.lifeMs;
    return (this.#grant = grant);
  }

  async #post(path: string, outer: AbortSignal, body?: unknown): Promise<Grant> {
    const { signal, end } = watch(outer, this.wire.silenceMs);
    try {
      const request = { method: 'POST' as const, path, signal, body };
      const answer = await call(this.wire, this.#grant ? { ...request, token: this.#grant.token } : request);
      return parseGrant(json(await answer.text()), this.#grant?.conversationId);
    } catch (error) {
      throw failure(error, signal);
    } finally {
      end();
    }
  }
}
