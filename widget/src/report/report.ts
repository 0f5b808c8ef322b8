// How does the owner learn how often what happens? Counts without people, a few requests for many.
import type { Detail } from '../contract/page';
import type { Said } from '../panel/scene';
import { call, type Wire } from '../talk/wire';

export interface Happening {
  readonly what: Said;
  readonly at: string;
  readonly detail: Detail;
}

/** What is counted (spec: events-and-alerts), and which part of the detail goes with it. */
const COUNTED: Readonly<Partial<Record<Said, readonly [name: string, prop?: string]>>> = {
  open: ['widget_opened'],
  message: ['message_sent'],
  answer: ['answer_received'],
  suggestion: ['suggestion_used'],
  feedback: ['feedback_given', 'rating'],
  error: ['widget_error', 'code'],
};

/** The gateway takes 20 in one request. */
const MOST = 20;
const PAUSE_MS = 5000;

const waiting: object[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let isWatching = false;

/** Sent soon, together with others, and at the latest when the visitor leaves; an event that is lost is not missed. */
export function report(wire: Wire, { what, at, detail }: Happening, life: AbortSignal): void {
  const [name, prop] = COUNTED[what] ?? [];
  if (!name) return;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const events = waiting.splice(0);
    if (!events.length) return;
    // Not the widget's own life: what has happened is told also when it has ended. Keepalive: also when the page has.
    const { signal } = new AbortController();
    call(wire, { method: 'POST', path: '/api/events', body: { widget_id: wire.widgetId, events }, signal, keepalive: true }).catch(() => {});
  };
  if (!isWatching) {
    isWatching = true;
    document.addEventListener('visibilitychange', () => document.hidden && flush(), { signal: life });
    life.addEventListener('abort', flush);
  }
  waiting.push({ name, at, props: prop ? { [prop]: detail[prop] } : {} });
  if (waiting.length >= MOST) flush();
  else timer ??= setTimeout(flush, PAUSE_MS);
}
