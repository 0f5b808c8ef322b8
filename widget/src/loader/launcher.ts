// What does the visitor see of a closed chat? One round (or, with a label, pill-shaped) button.
import { icon, node } from './nodes';
import { OPEN, UNAVAILABLE } from './words';

const BUBBLE =
  'M12 3.5c-5 0-9 3.4-9 7.7 0 2.4 1.3 4.5 3.3 5.9-.1 1-.5 2.1-1.4 3.1 1.7-.1 3.3-.7 4.6-1.7.8.2 1.6.3 2.5.3 5 0 9-3.4 9-7.7s-4-7.6-9-7.6z';
const DOTS = 'M8.2 11.2h.01M12 11.2h.01M15.8 11.2h.01';

function launcher(name: string, kind: string, onClick: () => void): HTMLButtonElement {
  const button = node(
    'button',
    { type: 'button', class: `launcher ${kind}`, part: 'launcher', 'aria-label': name, 'aria-expanded': 'false' },
    icon('bubble', BUBBLE, DOTS),
    icon('down', 'M6 9.5l6 6 6-6'),
  );
  button.onclick = onClick;
  return button;
}

export function ready(label: string, onClick: () => void): HTMLButtonElement {
  // The visible label has to be part of the name (WCAG 2.5.3).
  const button = launcher(label ? `${label} - ${OPEN}` : OPEN, '', onClick);
  if (label) button.append(node('span', { class: 'label' }, label));
  return button;
}

/** Greyed, with a mark: a click says why there is no chat. */
export const failed = (onClick: () => void): HTMLButtonElement => launcher(UNAVAILABLE, 'failed', onClick);
