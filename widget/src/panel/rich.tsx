// What becomes of text that is HTML? Clean nodes from the lazy file; where there are none, its plain text.
import { h, type ComponentChild } from 'preact';
import { decode } from '../markdown/entities';
import type { Words } from '../words/en';
import type { Lazy } from './lazy';

export interface Rich {
  /** The text alone: for the clipboard, and for those who listen. */
  readonly answer: string;
  readonly drawn: ComponentChild;
}

/** Without a parser: good enough to be read, and only ever shown as text. */
export const plainOf = (html: string): string =>
  decode(html.replace(/<\/?(?:p|div|br|li|h\d|tr|blockquote)\b[^<>]*>/gi, '\n').replace(/<[a-z/!?][^<>]*>/gi, ''))
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n');

export const enricher =
  (lazy: Lazy, imageHosts: readonly string[], words: () => Pick<Words, 'image' | 'table'>) =>
  async (html: string): Promise<Rich> => {
    const answer = plainOf(html) || words().image;
    const drawn = await lazy('rich').then(({ nodesOf }) => nodesOf(html, imageHosts, words()), () => null);
    return { answer, drawn: drawn ?? answer.split('\n').map((line) => <p>{line}</p>) };
  };
