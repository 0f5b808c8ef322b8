// Where does the visitor write besides the composer? A question anew, and what could be better about an answer.
import { Component, h, type VNode } from 'preact';
import { clean, lengthOf } from '../talk/text';
import { enLazy, type Words } from '../words/en';

interface Props {
  words: Words;
  label: string;
  send: string;
  text?: string;
  limit: number;
  onSend(text: string): void;
  onCancel(): void;
}

class Writing extends Component<Props, { text: string }> {
  override state = { text: this.props.text ?? '' };
  #field: HTMLTextAreaElement | null = null;

  override componentDidMount(): void {
    const { length } = this.state.text;
    this.#field!.focus();
    this.#field!.setSelectionRange(length, length);
    this.componentDidUpdate();
  }

  override componentDidUpdate(): void {
    this.#field!.style.height = 'auto';
    this.#field!.style.height = `${this.#field!.scrollHeight + 2}px`;
  }

  get #text(): string {
    const text = clean(this.state.text);
    return lengthOf(text) > this.props.limit ? '' : text;
  }

  #submit = (event: Event): void => {
    event.preventDefault();
    if (this.#text) this.props.onSend(this.#text);
  };

  #key = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey) this.#submit(event);
    if (event.key !== 'Escape') return;
    // This, not the whole chat.
    event.stopPropagation();
    this.props.onCancel();
  };

  override render({ words, label, send, onCancel }: Props, { text }: { text: string }): VNode {
    return (
      <form class="writing" onSubmit={this.#submit}>
        <textarea
          class="field"
          rows={1}
          dir={text ? 'auto' : undefined}
          aria-label={label}
          placeholder={label}
          value={text}
          autoComplete="off"
          ref={(node) => void (this.#field = node)}
          onInput={(event) => this.setState({ text: event.currentTarget.value })}
          onKeyDown={this.#key}
        />
        <p class="acts">
          <button type="button" class="link" onClick={onCancel}>
            {{ ...enLazy, ...words }.cancel}
          </button>
          <button type="submit" class="main" disabled={!this.#text}>
            {send}
          </button>
        </p>
      </form>
    );
  }
}

type Own = Pick<Props, 'words' | 'onSend' | 'onCancel'>;

export const Editor = (own: Own & { text: string; limit: number }): VNode => (
  <Writing {...own} label={own.words.edit} send={{ ...enLazy, ...own.words }.resend} />
);

/** The gateway takes 2000 code points. */
export const Comment = (own: Own): VNode => {
  const say = { ...enLazy, ...own.words };
  return <Writing {...own} label={say.comment} send={say.sendComment} limit={2000} />;
};
