// Where does the visitor write, and when can they not send? Draft, length, countdown, send and stop.
import { Component, h, type VNode } from 'preact';
import { clean, lengthOf } from '../talk/text';
import { duration } from '../words/duration';
import { errorText } from '../words/errors';
import { count, fill } from '../words/say';
import { Offline, Send, Stop } from './icons';
import type { Scene } from './scene';

interface Props {
  scene: Scene;
  running: boolean;
  offline: boolean;
  /** Consent is wanted first. */
  locked: boolean;
  draft: string;
  onDraft(text: string): void;
  onSend(text: string): boolean;
  onReady(): void;
}

export class Composer extends Component<Props> {
  #field: HTMLTextAreaElement | null = null;
  #tick: ReturnType<typeof setTimeout> | undefined;
  #wasBlocked = false;

  override componentDidMount(): void {
    this.componentDidUpdate();
  }

  override componentDidUpdate(): void {
    this.#grow();
    const { scene, onReady } = this.props;
    const { chat } = scene;
    clearTimeout(this.#tick);
    if (chat.blocked) {
      // On the second of the end, not of the beginning, so that the count never shows a second twice.
      this.#tick = setTimeout(() => this.forceUpdate(), (chat.blockedUntil - Date.now()) % 1000 || 1000);
    } else if (this.#wasBlocked) {
      onReady();
      this.props.onDraft(this.props.draft);
    }
    this.#wasBlocked = chat.blocked;
  }

  override componentWillUnmount(): void {
    clearTimeout(this.#tick);
  }

  #grow(): void {
    const field = this.#field;
    if (!field) return;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  }

  #send = (): void => {
    const { draft, locked, onSend, onDraft } = this.props;
    // What is missing is one press away, and then it is sent.
    if (locked) {
      onSend(draft);
      (this.#field!.getRootNode() as ShadowRoot).querySelector<HTMLElement>('.consent .main')?.focus();
    }
    if (this.#refuses()) return;
    onDraft('');
    onSend(draft);
    this.#field?.focus({ preventScroll: true });
  };

  #submit = (event: Event): void => {
    event.preventDefault();
    this.#send();
  };

  #stop = (): void => {
    this.props.scene.chat.stop();
    this.#field?.focus({ preventScroll: true });
  };

  #refuses(): boolean {
    const { scene, running, offline, locked, draft } = this.props;
    const { chat, config } = scene;
    const text = clean(draft);
    return running || offline || locked || chat.blocked || chat.isShut || !text || lengthOf(text) > config.limits.messageLength;
  }

  #key = (event: KeyboardEvent): void => {
    // 229 and isComposing: Enter that ends a word in an input method must not send it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#send();
  };

  override render({ scene, offline, draft }: Props): VNode {
    const { chat, words, config } = scene;
    const limit = config.limits.messageLength;
    const length = draft.length > limit * 0.4 ? lengthOf(clean(draft)) : 0;
    const near = length > limit - Math.min(200, limit * 0.2);
    return (
      <div class="bottom">
        {offline && (
          <p class="banner" id="ck-offline" role="status">
            <Offline />
            {words.offline}
          </p>
        )}
        {chat.blocked && (
          <p class="banner countdown" id="ck-wait" role="timer">
            {chat.trouble?.code === 'budget_exhausted' && chat.trouble.resetAt > 0
              ? fill(words.availableAgain, { when: new Date(chat.trouble.resetAt).toLocaleString(words.lang, { dateStyle: 'long', timeStyle: 'short' }) })
              : fill(words.wait, { time: duration((chat.blockedUntil - Date.now()) / 1000, words.lang) })}
          </p>
        )}
        {chat.isShut ? <p class="banner">{errorText(chat.trouble!.code, words, chat.trouble!.message)}</p> : this.#form(length > limit)}
        <p class="small">{near ? this.#length(length) : this.#note()}</p>
      </div>
    );
  }

  #form(isLong: boolean): VNode {
    const { scene, running, draft, onDraft } = this.props;
    const { words } = scene;
    const label = running ? words.stop : words.send;
    return (
      <form class="composer" onSubmit={this.#submit}>
        <textarea
          class="field"
          rows={1}
          dir={draft ? 'auto' : undefined}
          aria-label={words.write}
          placeholder={words.placeholder}
          value={draft}
          aria-invalid={isLong}
          // Those that are there.
          aria-describedby="ck-consent ck-offline ck-wait ck-length"
          autoComplete="off"
          enterkeyhint="send"
          ref={(node) => void (this.#field = node)}
          onInput={(event) => onDraft(event.currentTarget.value)}
          onKeyDown={this.#key}
        />
        {/* One button for both, so that the focus stays on it. */}
        <button
          type={running ? 'button' : 'submit'}
          class={running ? 'send stop' : 'send'}
          aria-label={label}
          title={label}
          disabled={!running && this.#refuses()}
          onClick={running ? this.#stop : undefined}
        >
          <span>{running ? <Stop /> : <Send />}</span>
        </button>
      </form>
    );
  }

  #length(length: number): VNode {
    const { words, config } = this.props.scene;
    const limit = config.limits.messageLength;
    return (
      <span id="ck-length" class={length > limit ? 'over' : ''}>
        {length > limit ? count(words, 'tooLong', length - limit) : count(words, 'remaining', limit - length)}
      </span>
    );
  }

  /** That this is an AI is always said. */
  #note(): VNode {
    const { chat, words, config } = this.props.scene;
    return (
      <span dir="auto">
        {chat.left >= 0 && chat.left <= 3 && <b>{count(words, 'left', chat.left)} · </b>}
        {config.disclosure || words.disclosure}
      </span>
    );
  }
}
