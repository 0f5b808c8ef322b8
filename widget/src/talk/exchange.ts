// What is on the timeline? Questions with their answers, and lines between conversations.
import type { ComponentChild } from 'preact';
import type { Source } from './parse';
import { newKey } from './text';
import type { Trouble } from './trouble';

export type Phase = 'sending' | 'reconnecting' | 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';

export type Rating = '' | 'up' | 'down';

export interface Exchange {
  readonly kind: 'exchange';
  readonly id: number;
  readonly key: string;
  readonly question: string;
  readonly askedAt: Date;
  phase: Phase;
  since: number;
  /** Known once its answer has begun; asking again then means joining that answer. */
  messageId: string;
  answer: string;
  /** Where the answer is HTML: its source as far as it has come. `answer` and `drawn` are made of it at the end. */
  html: string | null;
  /** Nodes in the place of the answer's text. */
  drawn: ComponentChild;
  /** How far the answer has come here, in code points. */
  reach: number;
  /** What the gateway calls that place: it comes back there, unless the answer was made anew meanwhile. */
  place: string;
  /** The page has heard of this message. */
  told: boolean;
  answeredAt: Date | null;
  sources: readonly Source[];
  suggestions: readonly string[];
  finish: string;
  trouble: Trouble | null;
  /** Said before the page was loaded anew: its key is not known here, and nobody waits to hear it. */
  readonly isEarlier?: boolean;
  /** The visitor has had it sent again. */
  isRepeated?: boolean;
  /** What the visitor thinks of the answer. */
  rating: Rating;
  /** Asked anew in other words: out of the way. */
  isFolded: boolean;
  /** Raised with each change, so that the view knows what to draw again. */
  revision: number;
}

export interface Divider {
  readonly kind: 'divider';
  readonly id: number;
}

export type Item = Exchange | Divider;

export const isRunning = ({ phase }: Exchange): boolean =>
  phase === 'sending' || phase === 'reconnecting' || phase === 'waiting' || phase === 'streaming';

let last = 0;
export const nextId = (): number => ++last;

export const newExchange = (question: string): Exchange => ({
  kind: 'exchange',
  id: nextId(),
  key: newKey(),
  question,
  askedAt: new Date(),
  phase: 'sending',
  since: performance.now(),
  messageId: '',
  answer: '',
  html: null,
  drawn: null,
  reach: 0,
  place: '',
  told: false,
  answeredAt: null,
  sources: [],
  suggestions: [],
  finish: '',
  trouble: null,
  rating: '',
  isFolded: false,
  revision: 0,
});

/** Forgets what is here of the answer. */
export function restart(exchange: Exchange): void {
  exchange.answer = exchange.place = '';
  exchange.html = exchange.drawn = null;
  exchange.reach = 0;
}

/**
 * Lets the answer grow by what is new in a piece that ends at `place` (empty: right after the piece before it). After a
 * reconnection it may overlap with what is already here. False when something is missing before it.
 */
export function grow(exchange: Exchange, piece: string, place: string): boolean {
  const points = [...piece];
  const end = parseInt(place, 10);
  const after = exchange.reach + points.length;
  const seen = end >= 0 ? after - end : 0;
  if (seen < 0) return false;
  // CR never matters in Markdown, and without it a delta can be cut anywhere.
  const fresh = points.slice(seen).join('').replaceAll('\r', '');
  if (exchange.html === null) exchange.answer += fresh;
  else exchange.html += fresh;
  if (seen <= points.length) exchange.place = place;
  exchange.reach = Math.max(exchange.reach, after - seen);
  return true;
}
