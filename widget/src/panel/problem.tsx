// What went wrong, and what can the visitor do about it?
import { Component, h, type VNode } from 'preact';
import type { Exchange } from '../talk/exchange';
import { isFinal, isLimit, textIsRefused } from '../talk/trouble';
import { errorText } from '../words/errors';
import { Again, Fresh, Pencil, Warning } from './icons';
import type { Scene } from './scene';

interface Props {
  exchange: Exchange;
  /** Another answer is running, or the composer waits for its countdown. */
  locked: boolean;
  scene: Scene;
  onEdit(exchange: Exchange): void;
}

export class Problem extends Component<Props> {
  override render({ exchange, scene }: Props): VNode | null {
    const { trouble } = exchange;
    if (!trouble) return null;
    const { words } = scene;
    const isCalm = isLimit(trouble);
    return (
      <div class={isCalm ? 'problem calm' : 'problem'}>
        {!isCalm && <Warning />}
        <div>
          <p>{errorText(trouble.code, words, trouble.message)}</p>
          {trouble.requestId && !isCalm && (
            <p class="ref">
              {words.reference}: <span dir="ltr">{trouble.requestId}</span>
            </p>
          )}
          {this.#action(trouble, this.props)}
        </div>
      </div>
    );
  }

  #action(
    trouble: NonNullable<Exchange['trouble']>,
    { exchange, locked, scene: { chat, words }, onEdit }: Props,
  ): VNode | null {
    // When it can be sent again stands below, and is enough.
    if (isFinal(trouble) || trouble.code === 'budget_exhausted' || (isLimit(trouble) && chat.blocked)) return null;
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
