// What do the page and the frame tell each other? Plain shapes, read field by field where the other side may be hostile.
// Message text only ever goes in.
import type { Detail, EventName } from './page';
import { form, record } from './shapes';

/** What only the page knows: where it is, and how it shows the frame. */
export interface Around {
  readonly url: string;
  readonly title: string;
  /** What the page calls its launcher. */
  readonly launcher: string;
  readonly locale: string;
  readonly dark: boolean;
  /** Whether the frame fills the screen, so that nothing else can be used. */
  readonly modal: boolean;
}

/** What a session opens with, as the page gives it; null: it has failed to. */
export interface Given {
  readonly identity?: string | null | undefined;
  readonly ticket?: string | null | undefined;
}

/** To the frame: what is around it (first with the port for all the rest), what was asked for last, and what a page may do with a panel. */
export type Order =
  | { is: 'around'; around: Around }
  | { is: 'given'; given: Given; to: number }
  | { is: 'open' | 'close' | 'clear' | 'identify' }
  | { is: 'send'; text: string };

/** To the page: the panel is there, asks what a session opens with, wants to be closed; how the launcher is to be; an event of ids and codes. */
export type Report =
  | { is: 'ready' | 'close' }
  | { is: 'ask'; number: number }
  | { is: 'launcher'; name: string; unread: string }
  | { is: 'event'; name: EventName; detail: Detail };

export function parseAround(raw: unknown): Around {
  const given = record(raw);
  return {
    url: form(given.url, /^https?:/, '').slice(0, 1000),
    title: form(given.title, /\S/, '').slice(0, 200),
    launcher: form(given.launcher, /\S/, '').slice(0, 200),
    locale: form(given.locale, /^[\w-]{2,40}$/, ''),
    dark: given.dark === true,
    modal: given.modal === true,
  };
}

export function parseGiven(raw: unknown): Given {
  const { identity, ticket } = record(raw);
  return { identity: identity === null ? null : form(identity, /./, ''), ticket: form(ticket, /./, '') };
}
