// Where does a text point to its sources? `[1]`, `[2, 3]`, and only to those that exist.

export type Part = string | number;

const MARK = /\[([1-9]\d?(?:\s*,\s*[1-9]\d?)*)\]/g;

/** Text pieces and source numbers, in order; what names no source is left out, but without any source no mark is one. */
export function cut(text: string, known: ReadonlySet<number>): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const mark of known.size ? text.matchAll(MARK) : []) {
    // The mark belongs to the word before it: no line break or gap in between.
    const before = text.slice(at, mark.index).replace(/ $/, '');
    if (before) parts.push(before);
    parts.push(...mark[1]!.split(',').map(Number).filter((n) => known.has(n)));
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
