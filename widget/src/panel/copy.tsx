// How does text get to the clipboard, and how does the visitor know that it did?
import { Component, h, type VNode } from 'preact';
import { Check, Copy } from './icons';
import type { Scene } from './scene';

interface Props {
  text: string;
  label: string;
  scene: Scene;
}

export class CopyButton extends Component<Props, { done: boolean }> {
  override state = { done: false };
  #timer: ReturnType<typeof setTimeout> | undefined;

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  #copy = async (event: Event): Promise<void> => {
    const { text, scene } = this.props;
    const button = event.currentTarget as HTMLElement;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages can forbid the clipboard to scripts; then there is an older way.
      (await scene.lazy('more')).copyByCommand(text, button);
    }
    this.setState({ done: true });
    scene.say(scene.words.copied);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.setState({ done: false }), 2000);
  };

  override render({ label, scene: { words } }: Props, { done }: { done: boolean }): VNode {
    return (
      <button type="button" class="copy" aria-label={done ? words.copied : label} onClick={this.#copy}>
        {done ? <Check /> : <Copy />}
        <span aria-hidden="true">{done ? words.copied : words.copy}</span>
      </button>
    );
  }
}
