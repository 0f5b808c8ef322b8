// Who is the visitor? Whoever the page named last; until it has said who that is, nothing is asked in anybody's name.
import type { Credentials } from '../contract/page';
import type { Chat } from './chat';
import { personOf, take, takeCredentials, whoIs } from './credentials';
import type { Item } from './exchange';

export class Visitor {
  /** Open from when the page speaks of somebody else until it is known who that is, however often it does so in between. */
  settled: Promise<unknown> | undefined;
  #settle: ((value?: unknown) => void) | null = null;
  #calls = 0;
  /** What was asked for to know who is there opens the session that waits for it, too. */
  #fresh: Promise<string | undefined> | null = null;
  #person: unknown;
  /** What was there when the page began to speak of somebody else. */
  #before: readonly Item[] = [];

  /**
   * `identified`: sessions belong to somebody. `named`: it is known now who began to talk. `changed`: everything on screen is somebody
   * else's; `question`: what has been asked since, if anything, and is theirs.
   */
  constructor(
    private readonly credentials: Credentials,
    private readonly identified: boolean,
    private readonly chat: Pick<Chat, 'items' | 'running'>,
    private readonly named: () => void,
    private readonly changed: (question: string) => void,
  ) {
    this.#person = personOf(credentials.identity);
  }

  /** What a session opens with, of whoever was named last. Rejects when the page cannot say. */
  async take(): Promise<Record<string, string | undefined>> {
    for (;;) {
      const { identity } = this.credentials;
      const fresh = this.#fresh;
      this.#fresh = null;
      const given = await takeCredentials(fresh ? { ...this.credentials, identity: () => fresh as Promise<string> } : this.credentials, this.identified);
      if (identity !== this.credentials.identity) continue;
      const now = personOf(given.identity);
      if (this.identified && now !== this.#person) {
        // A function may name somebody else than the last time, and nobody has told. Theirs is the next session, with what it has said.
        if (this.#person !== null && now !== null) this.#fresh = Promise.resolve(given.identity);
        this.#is(now);
      }
      return given;
    }
  }

  /** In a frame: finds out who is there, where no session will tell; nothing waits for that. */
  learn(): void {
    if (!__FRAMED__) return;
    const calls = this.#calls;
    void whoIs(take(this.credentials.identity)).then((now) => {
      if (calls === this.#calls) this.#person = now;
    });
  }

  /** The page has named somebody, who may be the same. */
  identify(): void {
    const call = ++this.#calls;
    if (!this.#settle) {
      this.#before = this.chat.items;
      this.settled = new Promise((resolve) => (this.#settle = resolve));
    }
    const taken = (this.#fresh = take(this.credentials.identity));
    void whoIs(taken).then((now) => {
      if (call !== this.#calls) return;
      const { running } = this.chat;
      // Made for now, and perhaps for one use: for a question that waits for it.
      if (!running || this.#before.includes(running)) this.#fresh = null;
      this.#settle?.();
      this.#settle = null;
      this.#is(now);
    });
  }

  #is(now: unknown): void {
    const before = this.#person;
    if (now === before) return;
    this.#person = now;
    // A question that waits for the first name was asked by whoever has it.
    if (this.identified && before === null) return this.named();
    const asked = this.chat.running;
    this.changed(asked && !asked.isEarlier && !asked.isRepeated && !this.#before.includes(asked) ? asked.question : '');
  }
}
