// How does text get to the clipboard, and how does the visitor know that it did?
import { Component, h, type VNode } from 'preact';
import type { Words } from '../words/en';
import { Check, Copy } from './icons';

interface Props {
  text: string;
  label: string;
  words: Words;
}

/** Pages can forbid the clipboard API to scripts; the old command still works on a selection. */
async function put(text: string, beside: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'unseen';
    beside.after(field);
    field.select();
    document.execCommand('copy');
    field.remove();
    beside.focus();
  }
}

export class CopyButton extends Component<Props, { done: boolean }> {
  override state = { done: false };
  #timer: ReturnType<typeof setTimeout> | undefined;

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  #copy = async (event: Event): Promise<void> => {
    await put(this.props.text, event.currentTarget as HTMLElement);
    this.setState({ done: true });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.setState({ done: false }), 2000);
  };

  override render({ label, words }: Props, { done }: { done: boolean }): VNode {
    return (
      <button type="button" class="copy" aria-label={done ? words.copied : label} onClick={this.#copy}>
        {done ? <Check /> : <Copy />}
        <span aria-hidden="true">{done ? words.copied : words.copy}</span>
      </button>
    );
  }
}
