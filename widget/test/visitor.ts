// A visitor with a chat of their own, who waits for what is on screen and never for a time.
import { Chat, type Surroundings } from '../src/talk/chat';
import { isRunning, type Exchange, type Phase } from '../src/talk/exchange';
import type { Gateway } from './gateway';

export class Visitor {
  readonly said: [string, Record<string, unknown>][] = [];
  /** Each change of phase of the last exchange. */
  readonly phases: Phase[] = [];
  readonly chat: Chat;
  #watchers = new Set<() => void>();

  constructor(gateway: Gateway, more: Partial<Surroundings> & { silenceMs?: number } = {}) {
    const { silenceMs = 5000, ...around } = more;
    this.chat = new Chat({
      wire: { gateway: gateway.url, widgetId: 'widget_1', silenceMs },
      messageLength: 200,
      intervalMs: 0,
      page: () => undefined,
      changed: () => this.#changed(),
      said: (what, detail) => this.said.push([what, detail]),
      backoffMs: [0, 0, 0],
      ...around,
    });
  }

  get last(): Exchange {
    return this.chat.items.findLast((item): item is Exchange => item.kind === 'exchange')!;
  }

  until(wanted: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!wanted()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async settled(): Promise<Exchange> {
    await this.until(() => !this.chat.running && !!this.last && !isRunning(this.last));
    return this.last;
  }

  ask(text = 'Hello'): Promise<Exchange> {
    this.phases.length = 0;
    this.chat.send(text);
    return this.settled();
  }

  retry(): Promise<Exchange> {
    this.chat.retry(this.last);
    return this.settled();
  }

  #changed(): void {
    const phase = this.last?.phase;
    if (phase && phase !== this.phases.at(-1)) this.phases.push(phase);
    for (const look of [...this.#watchers]) look();
  }
}
