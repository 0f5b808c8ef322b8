// How do the typed theme settings become custom properties on the widget's own frame?
import type { Look } from '../contract/look';
import { accentTokens } from './colour';

const RTL = /^(ar|arc|ckb|dv|fa|he|ks|ku|ps|sd|ug|ur|yi)\b/i;

/** Sets side, direction, radius, light or dark, and follows the system when the scheme is `auto`. */
export function dress(frame: HTMLElement, host: HTMLElement, { theme, locale }: Look, life: AbortSignal): void {
  // A page written from right to left keeps its direction also around a text in another language.
  frame.dir = RTL.test(locale) ? 'rtl' : getComputedStyle(host).direction;
  frame.lang = locale;
  frame.classList.toggle('left', theme.position === 'bottom-left');

  const system = matchMedia('(prefers-color-scheme: dark)');
  const paint = () => {
    const dark = theme.scheme === 'dark' || (theme.scheme === 'auto' && system.matches);
    frame.classList.toggle('dark', dark);
    const tokens = { '--r': `${theme.radius}px`, ...accentTokens(theme.accent, dark) };
    for (const [name, value] of Object.entries(tokens)) frame.style.setProperty(name, value);
  };
  paint();
  system.addEventListener('change', paint, { signal: life });
}
