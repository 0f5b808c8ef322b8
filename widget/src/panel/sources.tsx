// Where does the answer come from? Cards under it, of what it cites.
import { h, type VNode } from 'preact';
import { cited } from '../markdown/citations';
import { OUT, target } from '../markdown/links';
import type { Exchange } from '../talk/exchange';
import type { Source } from '../talk/parse';
import type { Words } from '../words/en';
import { Out } from './icons';

interface Props {
  exchange: Exchange;
  words: Words;
}

const idOf = (exchange: number, index: number): string => `ck-${exchange}-${index}`;

/** From the small number in the text to its card. */
export function showSource(from: Element, exchange: number, index: number): void {
  const card = (from.getRootNode() as ShadowRoot).getElementById(idOf(exchange, index));
  card?.scrollIntoView({ block: 'nearest' });
  card?.focus({ preventScroll: true });
}

export const Sources = ({ exchange: { sources, answer, id }, words }: Props): VNode | null => {
  const used = cited(answer, new Set(sources.map(({ index }) => index)));
  return used.size ? (
    <div class="sources" role="group" aria-label={words.sources}>
      <h3>{words.sources}</h3>
      <ol>
        {sources.map((source) => used.has(source.index) && <li key={source.index}>{card(source, idOf(id, source.index))}</li>)}
      </ol>
    </div>
  ) : null;
};

function card({ index, title, url, excerpt }: Source, id: string): VNode {
  const to = target(url);
  const inside = [
    <span class="number">{index}</span>,
    <span class="about" dir="auto">
      <strong>{title || to?.place || url}</strong>
      {excerpt && <span class="excerpt">{excerpt}</span>}
      {to?.place && (
        <span class="host">
          {to.place}
          <Out />
        </span>
      )}
    </span>,
  ];
  return to ? (
    <a class="source" id={id} href={to.href} title={to.href} {...OUT}>
      {inside}
    </a>
  ) : (
    <div class="source" id={id} tabIndex={-1}>
      {inside}
    </div>
  );
}
