// Where does a text point to its sources? `[1]`, `[2, 3]`, and only for numbers that exist.

export type Part = string | number;

const MARK = /\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]/g;

/** Text pieces and source numbers, in order; a mark with any unknown number stays text. */
export function cut(text: string, known: ReadonlySet<number>): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const mark of text.matchAll(MARK)) {
    const numbers = mark[1]!.split(',').map(Number);
    if (!numbers.every((n) => known.has(n))) continue;
    // The mark belongs to the word before it: no line break or gap in between.
    const before = text.slice(at, mark.index).replace(/ $/, '');
    if (before) parts.push(before);
    parts.push(...numbers);
    at = mark.index + mark[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/** Punctuation right after a mark: it must not begin the next line. */
export const CLOSING = /^[.,;:!?)\]»”]+/;

/** All numbers that an answer really cites. */
export function cited(text: string, known: ReadonlySet<number>): Set<number> {
  return new Set(cut(text, known).filter((part) => typeof part === 'number'));
}
