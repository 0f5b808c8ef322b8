// Which blocks of a growing answer can no longer change? Those are parsed once; only the last one is parsed again.
import type { Token } from 'marked';
import { mend } from './mend';
import { lex } from './tokens';

export interface Blocks {
  /** Finished blocks: the same objects at the same places on every call, so that a view can keep what it drew. */
  readonly settled: readonly Token[];
  /** The rest, in order; once finished, a block keeps its place in the whole row. */
  readonly open: readonly Token[];
  /** Nothing was put in to close what is open. */
  readonly isWhole: boolean;
}

export class BlockSplitter {
  #settled: Token[] = [];
  #done = 0;

  /** `text` only grows from call to call; a shorter one starts over. */
  split(text: string, live: boolean): Blocks {
    if (text.length < this.#done) {
      this.#settled = [];
      this.#done = 0;
    }
    const tail = text.slice(this.#done);
    const mended = live ? mend(tail) : tail;
    const tokens = lex(mended);
    const isWhole = mended === tail;
    const keep = lastBlock(tokens);
    const ready = tokens.slice(0, keep);
    const raw = ready.map((token) => token.raw).join('');
    // Lengths are only right where the parser kept the text as it was.
    if (!live || !ready.length || !tail.startsWith(raw)) return { settled: this.#settled, open: tokens, isWhole };
    this.#done += raw.length;
    this.#settled.push(...ready);
    return { settled: this.#settled, open: tokens.slice(keep), isWhole };
  }
}

/** A block is final when another one has begun after it: blank lines alone can still continue a list. */
function lastBlock(tokens: Token[]): number {
  let index = tokens.length - 1;
  while (index > 0 && tokens[index]!.type === 'space') index--;
  return Math.max(index, 0);
}
