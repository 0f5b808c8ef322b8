// What does every part of the panel draw with?
import type { ComponentChild } from 'preact';
import type { Config } from '../contract/config';
import type { Detail, EventName } from '../contract/page';
import type { Chat } from '../talk/chat';
import type { Words } from '../words/en';
import type { Lazy } from './lazy';

/** An event of the page, or something that only the owner counts. */
export type Said = EventName | 'suggestion';

/** Another language is another scene. */
export interface Scene {
  readonly chat: Chat;
  readonly config: Config;
  /** The owner's, drawn where it is HTML; may be empty. */
  readonly greeting: ComponentChild;
  readonly words: Words;
  readonly lazy: Lazy;
  /** The page hears of it, and the owner counts it (src/report). Ids and codes only, never text. */
  said(what: Said, detail: Detail): void;
  /** What the visitor said to the owner's notice; before that, nothing is counted. */
  agree(agrees: boolean): void;
  /** Screen readers hear it. */
  say(text: string): void;
}
