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
    Object.assign(this.frame, { lang: words.lang, dir: words.dir });
    this.frame.setAttribute('aria-label', words.title);
    this.#call();
  }

  show(open: boolean): void {
    this.frame.classList.toggle('open', open);
    this.button.setAttribute('aria-expanded', `${open}`);
    this.#unread = 0;
    this.#call();
  }

  unread(): void {
    if (this.#isOpen) return;
    this.#unread++;
    this.#call();
  }

  get #isOpen(): boolean {
    return this.frame.classList.contains('open');
  }

  #call(): void {
    const name = this.name || this.#words.open;
    const news = this.#unread ? `, ${count(this.#words, 'unread', this.#unread)}` : '';
    this.button.setAttribute('aria-label', this.#isOpen ? this.#words.close : name + news);
    // Drawn by the style sheet; the name has it in words.
    if (this.#unread) this.button.dataset.unread = this.#unread > 9 ? '9+' : `${this.#unread}`;
    else delete this.button.dataset.unread;
  }
}
