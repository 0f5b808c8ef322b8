// How does a conversation outlive a reload of its page? A handle in the tab's sessionStorage leads back to it, once. Off by default.
import type { Consent } from '../contract/config';
import type { Chat } from '../talk/chat';
import { newExchange, type Exchange } from '../talk/exchange';
import { json, parseHistory, type Grant, type Said } from '../talk/parse';
import type { Memory } from '../talk/session';
import { newKey } from '../talk/text';
import { Failed } from '../talk/trouble';

/** The longest history that a widget can allow: 500 questions. */
const MOST_PAGES = 5;

/** Refused for now, or lost on the way: the same request may succeed later. */
const isForNow = ({ status }: Failed['trouble']): boolean => !status || status === 409 || status === 429 || status >= 500;

export class Remembered implements Memory {
  /** The one request that uses a handle: the same over all its retries. */
  #attempt: { body: object; headers: Record<string, string> } | null = null;
  #isBack = false;
  readonly #name: string;
  readonly #notice: string;

  constructor(
    widgetId: string,
    private readonly chat: Chat,
    consent: Consent | null,
  ) {
    // With what the visitor had to agree to first: another notice is another question.
    this.#notice = consent?.required ? ` ${consent.text} ${consent.link}` : '';
    this.#name = `chatkeep:${widgetId}`;
  }

  /** There is a conversation, and under what the visitor is asked to agree to now. */
  get isThere(): boolean {
    return !!this.#read();
  }

  /** Goes back to it. False: the gateway does not know it, or cannot be asked. */
  async recall(): Promise<boolean> {
    await this.chat.prepare();
    return this.#isBack;
  }

  async open(given: object, post: (body: object, headers: Record<string, string>) => Promise<Grant>, get: (path: string) => Promise<Response>): Promise<Grant | null> {
    const resume = this.#read();
    // Taken out before it is used: whatever becomes of this page, nobody tries it twice.
    this.#write('');
    if (resume) this.#attempt = { body: { ...given, resume }, headers: { 'Idempotency-Key': newKey() } };
    const attempt = this.#attempt;
    if (!attempt) return null;
    try {
      const grant = await post(attempt.body, attempt.headers);
      this.#attempt = null;
      this.#isBack = true;
      // Before anything is asked: a question of now would be in what is read, and on screen twice.
      await this.#show(grant, get);
      return grant;
    } catch (error) {
      if (!(error instanceof Failed) || isForNow(error.trouble)) throw error;
      this.#attempt = null;
      // The page may name its visitor later, and then it is theirs.
      if (error.trouble.code === 'invalid_identity') this.#write(resume);
      // What was agreed to is gone: a session of its own is to be agreed to first.
      else if (!this.#notice) return null;
      throw error;
    }
  }

  keep(handle: string): void {
    this.#attempt = null;
    this.#write(handle);
  }

  /** The earlier conversation above whatever has been said since. Without it, the conversation goes on all the same. */
  async #show({ conversationId }: Grant, get: (path: string) => Promise<Response>): Promise<void> {
    const path = `/api/conversations/${encodeURIComponent(conversationId)}/messages?limit=200`;
    let said: Said[] = [];
    try {
      for (let page = 0; page < MOST_PAGES; page++) {
        const before = said[0] ? `&before=${encodeURIComponent(said[0].id)}` : '';
        const { messages, more } = parseHistory(json(await (await get(path + before)).text()));
        said = [...messages, ...said];
        if (!more) break;
      }
    } catch {
      return;
    }
    const earlier = exchangesOf(said);
    const known = new Set(earlier.map(({ messageId }) => messageId));
    // A page that the browser brought back has some of it on screen, and no new conversation has begun.
    const since = this.chat.items.filter((item) => item.kind === 'exchange' && !(item.messageId && known.has(item.messageId)));
    if (earlier.length) this.chat.restore([...earlier, ...since]);
  }

  /** Empty where the browser keeps nothing (a frame without storage). */
  #read(): string {
    try {
      const kept = sessionStorage.getItem(this.#name) ?? '';
      return kept.endsWith(this.#notice) ? kept.split(' ')[0]! : '';
    } catch {
      return '';
    }
  }

  #write(handle: string): void {
    try {
      if (handle) sessionStorage.setItem(this.#name, handle + this.#notice);
      else sessionStorage.removeItem(this.#name);
    } catch {
      // The same: a reload is a new beginning.
    }
  }
}

/** Questions with their answers, in order. */
function exchangesOf(said: readonly Said[]): Exchange[] {
  const answers = new Map(said.filter(({ isQuestion }) => !isQuestion).map((answer) => [answer.replyTo, answer]));
  return said
    .filter(({ isQuestion }) => isQuestion)
    .map((question) => {
      const answer = answers.get(question.id);
      return {
        ...newExchange(question.text),
        isEarlier: true,
        told: true,
        askedAt: question.at,
        messageId: answer?.id ?? '',
        // An answer that is being made is joined from its beginning.
        phase: answer?.state === 'streaming' ? 'waiting' : answer?.state === 'complete' ? 'done' : 'stopped',
        answer: answer?.text ?? '',
        sources: answer?.sources ?? [],
        answeredAt: answer?.at ?? null,
      };
    });
}
