// Who is the visitor talking to? Mark, title, and the buttons for the menu and to close.
import { h, type VNode } from 'preact';
import type { Words } from '../words/en';
import { Close, More, Spark } from './icons';

interface Props {
  title: string;
  words: Words;
  /** Open or not; null while there is nothing to do in it. */
  menu: boolean | null;
  onMenu(): void;
  onClose(): void;
}

export const Mark = (): VNode => (
  <span class="mark" aria-hidden="true">
    <Spark />
  </span>
);

export const Header = ({ title, words, menu, onMenu, onClose }: Props): VNode => (
  <header class="head">
    <Mark />
    <div class="who">
      <h2 id="ck-title" dir="auto">
        {title}
      </h2>
      <p>{words.assistant}</p>
    </div>
    {menu !== null && (
      <button type="button" class="tool more" aria-label={words.menu} title={words.menu} aria-haspopup="dialog" aria-expanded={menu} onClick={onMenu}>
        <More />
      </button>
    )}
    <button type="button" class="tool close" aria-label={words.close} title={words.close} onClick={onClose}>
      <Close />
    </button>
  </header>
);
