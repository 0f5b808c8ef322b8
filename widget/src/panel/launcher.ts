// What does the launcher say once the panel is there? Open, closed, or closed with a new answer.
import type { Words } from '../words/en';

export class LauncherState {
  /** What the loader called it; the owner's label is in there. */
  readonly #name: string;

  constructor(
    private readonly button: HTMLElement,
    private readonly frame: HTMLElement,
    private readonly words: Words,
  ) {
    this.#name = button.ariaLabel ?? '';
  }

  show(open: boolean): void {
    this.frame.classList.toggle('open', open);
    this.button.classList.remove('unread');
    this.button.setAttribute('aria-expanded', `${open}`);
    this.button.setAttribute('aria-label', open ? this.words.close : this.#name);
  }

  unread(): void {
    if (this.frame.classList.contains('open')) return;
    this.button.classList.add('unread');
    this.button.setAttribute('aria-label', `${this.#name}, ${this.words.unread}`);
  }
}
