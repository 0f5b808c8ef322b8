// What does the launcher say once the panel is there? Open, closed, or closed with new answers.
import type { Words } from '../words/en';
import { count } from '../words/say';

export class LauncherState {
  #words!: Words;
  #unread = 0;

  /** `name`: what the owner calls it, if anything. */
  constructor(
    private readonly button: HTMLElement,
    private readonly frame: HTMLElement,
    private readonly name: string,
  ) {}

  say(words: Words): void {
    this.#words = words;
    this.frame.setAttribute('aria-label', words.title);
    this.#tell();
  }

  show(open: boolean): void {
    this.frame.classList.toggle('open', open);
    this.button.setAttribute('aria-expanded', `${open}`);
    this.#unread = 0;
    this.#tell();
  }

  unread(): void {
    if (this.frame.classList.contains('open')) return;
    this.#unread++;
    this.#tell();
  }

  #tell(): void {
    const words = this.#words;
    const closed = (this.name || words.open) + (this.#unread ? `, ${count(words, 'unread', this.#unread)}` : '');
    this.button.setAttribute('aria-label', this.frame.classList.contains('open') ? words.close : closed);
    this.button.classList.toggle('unread', !!this.#unread);
  }
}
