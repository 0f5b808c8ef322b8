// What does the visitor see before the first question? The greeting and questions to start with.
import { h, type VNode } from 'preact';
import type { Config } from '../contract/config';
import type { Words } from '../words/en';
import { Send } from './icons';
import { Mark } from './header';

interface Props {
  config: Config;
  words: Words;
  onAsk(text: string): void;
}

export const Empty = ({ config, words, onAsk }: Props): VNode => {
  const greeting = config.greeting || words.hello;
  return (
    <div class="empty">
      <Mark />
      <p class={`greeting ${greeting.length > 90 ? 'long' : ''}`} dir="auto">
        {greeting}
      </p>
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
