// What does the visitor see of a closed chat? One button, as the owner styled it.
import type { Look } from '../contract/look';
import { icon, node } from './nodes';
import { OPEN, UNAVAILABLE } from './words';

function launcher(name: string, kind: string, paths: readonly string[], onClick: () => void): HTMLButtonElement {
  const button = node(
    'button',
    { type: 'button', class: `launcher ${kind}`, part: 'launcher', 'aria-label': name, 'aria-expanded': 'false' },
    icon('face', ...paths),
    icon('down', 'M6 9.5l6 6 6-6'),
  );
  button.onclick = onClick;
  return button;
}

export function ready({ label, name, style, icon }: Look['launcher'], onClick: () => void): HTMLButtonElement {
  const button = launcher(name || OPEN, `is-${style}`, icon, onClick);
  if (label) button.append(node('span', { class: 'label' }, label));
  return button;
}

/** Greyed, with a mark in its bubble: a click says why there is no chat. */
export const failed = (onClick: () => void): HTMLButtonElement =>
  launcher(UNAVAILABLE, 'failed', ['M4 5h16v12h-9l-5 4v-4H4zM12 8v4m0 2v0'], onClick);
