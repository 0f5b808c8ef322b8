// What may a page do with a widget, and what does it hear? The whole of what is promised to pages; everything else is the owner's.

/** A text, or how to fetch it when a session opens. */
export type Source = string | (() => string | Promise<string>);

/** Where the visitor's session comes from, besides the page's origin. */
export interface Credentials {
  /** A token that says who the visitor is (access mode `identity`). */
  identity?: Source | null | undefined;
  /** A page ticket, where the owner requires one. */
  ticket?: Source | null | undefined;
}

export interface Options extends Credentials {
  widgetId: string;
  /** Origin of the gateway; by default that of the script. */
  gateway?: string | undefined;
  /** A language tag such as `de-AT` instead of the widget's own. */
  locale?: string | undefined;
  scheme?: 'auto' | 'light' | 'dark' | undefined;
  position?: string | undefined;
  /** Whether the chat is open from the beginning. */
  open?: boolean | undefined;
}

/** `<chatkeep-widget>`; its attributes are those of the options but `gateway`, live except `identity` and `ticket`. */
export interface ChatkeepElement extends HTMLElement {
  open(): void;
  close(): void;
  toggle(): void;
  /** Open the chat and ask this. */
  send(text: string): void;
  /** Who the visitor is; null after a logout. Another person than before finds an empty chat. */
  setIdentity(identity: Source | null): void;
  /** Forget the conversation and its session. */
  clear(): void;
  /** Take the widget away, with everything that it did to the page. */
  destroy(): void;
}

export type EventName = 'ready' | 'open' | 'close' | 'message' | 'answer' | 'error' | 'refused' | 'feedback';

/** Ids and codes only: the page may log these, so message text never goes in. In frame mode without the ids of conversations and messages. */
export type Detail = Readonly<Record<string, string | number | boolean | undefined>>;

/** The global `Chatkeep` that the script sets. Its methods act on the widget that a script has put on the page, else on the first. */
export interface ChatkeepApi extends Pick<ChatkeepElement, 'open' | 'close' | 'toggle' | 'send' | 'setIdentity' | 'clear'> {
  readonly version: string;
  init(options: Options): ChatkeepElement;
  /** Listens to every widget of the page, also to one that comes later; returns how to stop. */
  on(name: EventName, listener: (detail: Detail) => void): () => void;
  /** Every widget, and whoever listens. */
  destroy(): void;
}
