// Who is the visitor talking to? Mark, title, and the two buttons that concern the whole conversation.
import { h, type VNode } from 'preact';
import type { Words } from '../words/en';
import { Close, Fresh, Spark } from './icons';

interface Props {
  title: string;
  words: Words;
  onFresh: (() => void) | null;
  onClose(): void;
}

export const Mark = (): VNode => (
  <span class="mark" aria-hidden="true">
    <Spark />
  </span>
);

export const Header = ({ title, words, onFresh, onClose }: Props): VNode => (
  <header class="head">
    <Mark />
    <div class="who">
      <h2 id="ck-title" dir="auto">
        {title}
      </h2>
      <p>{words.assistant}</p>
    </div>
    {onFresh && (
      <button type="button" class="tool fresh" aria-label={words.fresh} title={words.fresh} onClick={onFresh}>
        <Fresh />
      </button>
    )}
    <button type="button" class="tool close" aria-label={words.close} title={words.close} onClick={onClose}>
      <Close />
    </button>
  </header>
);
