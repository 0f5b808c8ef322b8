// What does the visitor see before the first question? The greeting and questions to start with.
import { h, type VNode } from 'preact';
import { Send } from './icons';
import { Mark } from './header';
import type { Scene } from './scene';

interface Props {
  scene: Scene;
  /** Said in place of the greeting: the conversation was ended. */
  ended: string;
  /** Questions can be asked. */
  isOpen: boolean;
  onAsk(text: string): void;
  onFresh(): void;
}

export const Empty = ({ scene: { config, greeting, words }, ended, isOpen, onAsk, onFresh }: Props): VNode => {
  const said = ended || greeting || words.hello;
  const isLong = typeof said !== 'string' || said.length > 90;
  return (
    <div class="empty" tabIndex={isOpen && config.suggestions.length ? undefined : 0}>
      <Mark />
      <div class={`greeting ${isLong ? 'long' : ''}`} dir="auto">
        {said}
      </div>
      {ended && (
        <button type="button" class="main" onClick={onFresh}>
          {words.fresh}
        </button>
      )}
      {isOpen && config.suggestions.length > 0 && (
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
