// What do the loader and the panel promise each other? The only things that they share at run time.
import type { Look } from './look';

/** Ids and codes only: the host page may log these, so message text never goes in. */
export type Detail = Readonly<Record<string, string | number | boolean | undefined>>;

export type EventName = 'ready' | 'open' | 'close' | 'message' | 'answer' | 'error' | 'refused';

/** What the server said, and the frozen part of it that the loader has read. */
export interface Settings {
  readonly widgetId: string;
  readonly look: Look;
  readonly raw: unknown;
}

export interface Shell extends Settings {
  readonly gateway: string;
  /** Where the panel puts its own node and its own style sheet. */
  readonly frame: HTMLElement;
  readonly root: ShadowRoot;
  readonly launcher: HTMLButtonElement;
  emit(name: EventName, detail?: Detail): void;
  /** The visitor asked to close (Esc, close button): the loader owns that state. */
  close(): void;
}

export interface Panel {
  open(): void;
  close(): void;
  send(text: string): void;
  clear(): void;
  destroy(): void;
}

export interface PanelModule {
  mount(shell: Shell): Panel;
}
