// What does a screen reader hear of an answer that is being written? Whole sentences, one after another.
import type { Token } from 'marked';
import type { ComponentChild, VNode } from 'preact';
import { BlockSplitter } from '../markdown/blocks';
import { render } from '../markdown/render';
import type { Exchange } from '../talk/exchange';
import type { Words } from '../words/en';
import { errorText } from '../words/errors';

/** Ends of sentences and of lines; the rest waits for more text. */
const SENTENCE = /^[\s\S]*(?:[.!?…]["')\]]*\s|[。！？]|\n)/;

/** Long enough for one text to be taken up before the next replaces it. */
const PACE_MS = 700;

/** The text of what is drawn: a line for each block, row and item. */
const textOf = (child: ComponentChild): string => {
  if (Array.isArray(child)) return child.map(textOf).join('');
  const { type, props } = Object(child) as Partial<VNode>;
  if (!props) return typeof child === 'string' ? child : '';
  return textOf(props.children) + (/^(p|li|tr|h3|br)$/.test(type as string) ? '\n' : /^t[dh]$/.test(type as string) ? ', ' : '');
};

export class Announcer {
  /** How far the source was looked at, which of its blocks were said, and how much of those that can still change. */
  #heard = 0;
  #blocks = 0;
  #said = 0;
  #splitter = new BlockSplitter();
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
      this.#heard = this.#blocks = this.#said = 0;
      this.#splitter = new BlockSplitter();
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
    if (over || ready) this.#read(exchange, over, words);
    if (!over) return;
    this.#ended = true;
    if (phase === 'stopped') this.say(words.stopped);
    if (phase === 'failed' && exchange.trouble) this.say(errorText(exchange.trouble.code, words, exchange.trouble.message));
  }

  /** What can still turn out to be emphasis, a link or a table waits for its end. */
  #read({ answer, html, sources }: Exchange, over: boolean, words: Words): void {
    const known = new Set(sources.map(({ index }) => index));
    const spoken = (tokens: readonly Token[]) => textOf(render(tokens, { words, known, imageHosts: [], cite: () => '', code: (_, language) => `${words.code} ${language}\n` }));
    const { settled, open, isWhole } = this.#splitter.split(answer.slice(0, this.#heard), !over);
    const rest = isWhole ? open : [];
    // Of an answer that was HTML, the text is no Markdown.
    const text = html === null ? spoken([...settled.slice(this.#blocks), ...rest]) : answer;
    const fresh = text.slice(this.#said).trim();
    if (fresh) this.say(fresh);
    if (isWhole || settled.length > this.#blocks) this.#said = spoken(rest).trimEnd().length;
    this.#blocks = settled.length;
  }

  say(text: string): void {
    this.#queue.push(text);
    this.#timer ??= setTimeout(() => this.#next(), 50);
  }

  /** Nothing more is said, and what was said is not to be read again. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
    this.speak('');
  }

  #next(): void {
    this.speak(this.#queue.splice(0).join(' '));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#queue.length) this.#next();
    }, PACE_MS);
  }
}
