// What does the visitor see before the first question? The greeting and questions to start with.
import { h, type ComponentChild, type VNode } from 'preact';
import type { Config } from '../contract/config';
import type { Words } from '../words/en';
import { Send } from './icons';
import { Mark } from './header';

interface Props {
  config: Config;
  greeting: ComponentChild;
  words: Words;
  onAsk(text: string): void;
}

export const Empty = ({ config, greeting, words, onAsk }: Props): VNode => {
  const isLong = typeof greeting !== 'string' || greeting.length > 90;
  return (
    <div class="empty">
      <Mark />
      <div class={`greeting ${isLong ? 'long' : ''}`} dir="auto">
        {greeting || words.hello}
      </div>
      {config.suggestions.length > 0 && (
        <ul class="suggestions" aria-label={words.suggestions}>
          {config.suggestions.map((text) => (
            <li>
              <button type="button" class="suggestion" dir="auto" onClick={() => onAsk(text)}>
                <span>{text}</span>
                <Send />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};
