// What went wrong, and what can the visitor do about it?
import { Component, h, type VNode } from 'preact';
import type { Chat } from '../talk/chat';
import type { Exchange } from '../talk/exchange';
import { isFinal, textIsRefused } from '../talk/trouble';
import type { Words } from '../words/en';
import { errorText } from '../words/errors';
import { Again, Fresh, Pencil, Warning } from './icons';

interface Props {
  exchange: Exchange;
  /** Another answer is running, or the composer waits for its countdown. */
  locked: boolean;
  chat: Chat;
  words: Words;
  onEdit(exchange: Exchange): void;
}

export class Problem extends Component<Props> {
  override render({ exchange, locked, chat, words, onEdit }: Props): VNode | null {
    const { trouble } = exchange;
    if (!trouble) return null;
    return (
      <div class="problem">
        <Warning />
        <div>
          <p>{errorText(trouble.code, words)}</p>
          {trouble.requestId && (
            <p class="ref">
              {words.reference}: <span dir="ltr">{trouble.requestId}</span>
            </p>
          )}
          {this.#action(trouble, exchange, locked, chat, words, onEdit)}
        </div>
      </div>
    );
  }

  #action(
    trouble: NonNullable<Exchange['trouble']>,
    exchange: Exchange,
    locked: boolean,
    chat: Chat,
    words: Words,
    onEdit: Props['onEdit'],
  ): VNode | null {
    if (isFinal(trouble)) return null;
    const renews = trouble.action || ['not_found', 'invalid_conversation_id'].includes(trouble.code);
    const [label, Icon, act] = textIsRefused(trouble)
      ? ([words.edit, Pencil, () => onEdit(exchange)] as const)
      : renews
        ? ([words.fresh, Fresh, () => chat.renew(exchange)] as const)
        : ([words.retry, Again, () => chat.retry(exchange)] as const);
    return (
      <button type="button" class="link retry" disabled={locked} onClick={act}>
        <Icon />
        {label}
      </button>
    );
  }
}
