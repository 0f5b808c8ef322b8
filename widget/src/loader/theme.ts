// How does the look that the server sent get onto the widget's own frame? The server has done all arithmetic of colours.
import type { Look } from '../contract/look';

/** Sets every custom property of one of the two schemes. */
export function wear(frame: HTMLElement, { theme }: Look, dark: boolean): void {
  const values = { ...theme.shape, ...(dark ? theme.dark : theme.light) };
  for (const name in values) frame.style.setProperty(name, values[name]!);
}

/**
 * Sets corner and every custom property, and follows the system where the scheme is `auto`.
 * The host's attributes `scheme` and `position` go before the settings: end *life* and dress anew when one changes.
 */
export function dress(frame: HTMLElement, host: HTMLElement, look: Look, life: AbortSignal): void {
  const { theme } = look;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const paint = () => {
    const scheme = host.getAttribute('scheme') || theme.scheme;
    const position = host.getAttribute('position') || theme.position;
    const dark = scheme === 'dark' || (scheme !== 'light' && system.matches);
    for (const side of ['left', 'top']) frame.classList.toggle(side, position.includes(side));
    wear(frame, look, dark);
  };
  paint();
  system.addEventListener('change', paint, { signal: life });
}
