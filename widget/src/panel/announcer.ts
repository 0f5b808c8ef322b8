// What does a screen reader hear of an answer that is being written? Whole sentences, one after another.
import type { Exchange } from '../talk/exchange';
import type { Words } from '../words/en';
import { errorText } from '../words/errors';

/** Ends of sentences and of lines; the rest waits for more text. */
const SENTENCE = /[\s\S]*(?:[.!?…]["')\]]*\s|[。！？]|\n)/;

/** Long enough for one text to be taken up before the next replaces it. */
const PACE_MS = 700;

const plain = (markdown: string): string =>
  markdown
    .replace(/^[-:| \t]+$|^\s*(```|~~~).*$|^\s*[-+*] /gm, '')
    .replace(/ ?\[\d{1,2}\]|[*_`#>~]+/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/ *\| */g, ', ')
    .replace(/^, |, $/gm, '')
    .trim();

export class Announcer {
  #heard = 0;
  #exchange = 0;
  #since = 0;
  #begun = false;
  #ended = false;
  #phase = '';
  #queue: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly speak: (text: string) => void) {}

  hear(exchange: Exchange, words: Words): void {
    const { id, phase, answer, since } = exchange;
    if (exchange.isEarlier) return;
    // What has ended changes its phase again only when it is asked for again, and then from its beginning.
    if (id !== this.#exchange || (this.#ended && since !== this.#since)) {
      this.#exchange = id;
      this.#heard = 0;
      this.#begun = this.#ended = false;
    }
    this.#since = since;
    const isNew = phase !== this.#phase;
    this.#phase = phase;
    if (phase === 'reconnecting' && isNew) this.say(words.reconnecting);
    if (phase === 'sending' || this.#ended) return;
    if (phase === 'waiting' && !this.#begun) {
      this.#begun = true;
      this.say(words.thinking);
    }
    const over = phase === 'done' || phase === 'stopped' || phase === 'failed';
    const rest = answer.slice(this.#heard);
    const ready = over ? rest : (SENTENCE.exec(rest)?.[0] ?? '');
    this.#heard += ready.length;
    if (plain(ready)) this.say(plain(ready));
    if (!over) return;
    this.#ended = true;
    if (phase === 'stopped') this.say(words.stopped);
    if (phase === 'failed' && exchange.trouble) this.say(errorText(exchange.trouble.code, words, exchange.trouble.message));
  }

  say(text: string): void {
    this.#queue.push(text);
    this.#timer ??= setTimeout(() => this.#next(), 50);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #next(): void {
    this.speak(this.#queue.splice(0).join(' '));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#queue.length) this.#next();
    }, PACE_MS);
  }
}
