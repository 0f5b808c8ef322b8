// How does the visitor learn that the chat cannot start here?
import { node } from './nodes';
import { DISMISS, reasonFor, RETRY, UNAVAILABLE } from './words';

/** A small card with the reason, its code or reference id and, where it makes sense, when and how to try again. In English: other words come with the panel. */
export function card(code: string, requestId = '', onClose?: () => void, onRetry?: () => void, retryAfter?: number): HTMLElement {
  const box = node(
    'div',
    { class: 'card', role: 'alert' },
    node('strong', {}, UNAVAILABLE),
    node('p', {}, reasonFor(code, retryAfter)),
    node('p', { class: 'ref' }, `${code} ${requestId}`),
  );
  const act = (label: string, then?: () => void) => {
    const button = node('button', { type: 'button' }, label);
    button.onclick = () => {
      box.remove();
      then?.();
    };
    box.append(button);
  };
  if (onRetry) act(RETRY, onRetry);
  act(DISMISS, onClose);
  return box;
}
