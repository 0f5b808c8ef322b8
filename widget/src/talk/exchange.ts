// What is on the timeline? Questions with their answers, and lines between conversations.
import type { Source } from './parse';
import type { Trouble } from './trouble';

export type Phase = 'sending' | 'reconnecting' | 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';

export interface Exchange {
  readonly kind: 'exchange';
  readonly id: number;
  readonly key: string;
  readonly question: string;
  readonly askedAt: Date;
  phase: Phase;
  since: number;
  messageId: string;
  answer: string;
  answeredAt: Date | null;
  sources: readonly Source[];
  suggestions: readonly string[];
  finish: string;
  trouble: Trouble | null;
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
  answeredAt: null,
  sources: [],
  suggestions: [],
  finish: '',
  trouble: null,
  revision: 0,
});

// randomUUID exists on secure pages only; loopback over HTTP counts as one, but not under every name.
const newKey = (): string =>
  crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
