// What do the loader and the panel promise each other? The only things that they share at run time.
import type { Page } from '../talk/session';
import type { Look } from './look';
import type { Credentials, Detail, EventName } from './page';

/** What the page gave, and whether it has cleared the chat since, before there was a panel to do it. */
export type Held = Credentials & { isCleared?: boolean };

/** What the server said, and the frozen part of it that the loader has read. */
export interface Settings {
  readonly widgetId: string;
  readonly look: Look;
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface Shell extends Settings {
  readonly gateway: string;
  /** Aborted when the widget ends. */
  readonly life: AbortSignal;
  /** What the page gave last; read whenever a session opens. */
  readonly credentials: Held;
  /** Where the panel puts its own node and its own style sheet. */
  readonly frame: HTMLElement;
  readonly root: ShadowRoot;
  readonly launcher: HTMLButtonElement;
  /** Where the files of this build are. */
  readonly files: string;
  /** A file of the same build, which runs only if it has this integrity; `attempt` counts from 0. */
  fetchFile<Module>(name: string, integrity: string, attempt: number): Promise<Module>;
  emit(name: EventName, detail?: Detail): void;
  /** In frame mode, what is otherwise known from here: the page, what opens a session, whether nothing else can be used. */
  readonly inside?: {
    page(): Page;
    ticket(): Promise<string>;
    isModal(): boolean;
  };
  /** The visitor asked to close (Esc, close button): the loader owns that state. */
  close(): void;
}

export interface Panel {
  open(): void;
  close(): void;
  send(text: string): void;
  clear(): void;
  /** The identity in the shell's credentials is another one. */
  identify(): void;
  /** The element wants another language. */
  speak(): void;
  destroy(): void;
}

export interface PanelModule {
  mount(shell: Shell): Promise<Panel>;
}
