// What is in the dialog, and what happens when it opens and closes?
import { Component, h, type ComponentChild, type VNode } from 'preact';
import type { Config } from '../contract/config';
import type { Shell } from '../contract/shell';
import type { Chat } from '../talk/chat';
import { isRunning, type Exchange } from '../talk/exchange';
import type { Words } from '../words/en';
import { Announcer } from './announcer';
import { Composer } from './composer';
import { Empty } from './empty';
import { isModal, keepInside } from './focus';
import { Header } from './header';
import { Timeline } from './timeline';
import { followKeyboard } from './viewport';

export interface Handle {
  open(): void;
  close(): void;
  send(text: string): void;
  clear(): void;
  redraw(): void;
}

interface Props {
  chat: Chat;
  shell: Shell;
  config: Config;
  greeting: ComponentChild;
  words: Words;
  hold(handle: Handle): void;
}

interface State {
  open: boolean;
  offline: boolean;
  draft: string;
}

export class App extends Component<Props, State> {
  override state: State = { open: false, offline: !navigator.onLine, draft: '' };
  #dialog: HTMLElement | null = null;
  #announcer: HTMLElement | null = null;
  #voice = new Announcer((text) => this.#announcer?.replaceChildren(text));
  #life = new AbortController();

  override componentDidMount(): void {
    const { signal } = this.#life;
    const network = () => {
      const offline = !navigator.onLine;
      if (this.state.offline && !offline) this.#voice.say(this.props.words.online);
      this.setState({ offline });
    };
    addEventListener('online', network, { signal });
    addEventListener('offline', network, { signal });
    followKeyboard(this.#dialog!, signal);
    this.props.hold({
      open: () => this.setState({ open: true }, () => this.#focus()),
      close: () => this.setState({ open: false }),
      send: (text) => this.#send(text),
      clear: () => this.#empty(),
      redraw: () => {
        const last = this.props.chat.items.at(-1);
        if (last?.kind === 'exchange') this.#voice.hear(last, this.props.words);
        this.forceUpdate();
      },
    });
  }

  override getSnapshotBeforeUpdate(): boolean {
    return !!this.props.shell.root.activeElement;
  }

  /** What had the focus may be gone (a suggestion, a retry button): the keyboard must not fall out of the dialog. */
  override componentDidUpdate(_props: Props, _state: State, had: boolean): void {
    if (had && this.state.open && !this.props.shell.root.activeElement) this.#focus();
  }

  override componentWillUnmount(): void {
    this.#life.abort();
    this.#voice.end();
  }

  #isModal(): boolean {
    return (this.props.shell.inside?.isModal ?? isModal)();
  }

  /** On a touch screen the composer would raise the keyboard over the greeting: the dialog itself gets the focus. */
  #focus(): void {
    const touch = matchMedia('(pointer: coarse)').matches && this.#isModal();
    const field = this.#dialog?.querySelector<HTMLElement>('textarea');
    (touch ? this.#dialog : field)?.focus({ preventScroll: true });
  }

  #send = (text: string): boolean => {
    const taken = navigator.onLine && this.props.chat.send(text);
    if (!taken) this.setState({ draft: text });
    return taken;
  };

  #empty(): void {
    this.props.chat.clear();
    this.setState({ draft: '' });
  }

  #clear = (): void => {
    this.#empty();
    this.#focus();
  };

  #edit = (exchange: Exchange): void => {
    this.setState({ draft: this.props.chat.takeBack(exchange) });
    this.#focus();
  };

  #key = (event: KeyboardEvent): void => {
    // Esc and Enter also end a word in an input method; those are not for us.
    if (event.isComposing) return;
    if (event.key === 'Escape') this.props.shell.close();
    else if (event.key === 'Tab' && this.#isModal()) keepInside(this.#dialog!, event);
  };

  override render({ chat, shell, config, greeting, words }: Props, { open, offline, draft }: State): VNode {
    const { items } = chat;
    const running = items.some((item) => item.kind === 'exchange' && isRunning(item));
    return (
      <section
        class={`panel ${open ? 'shown' : ''} ${items.length ? 'talking' : ''}`}
        part="panel"
        role="dialog"
        aria-modal={open && this.#isModal() ? 'true' : 'false'}
        aria-labelledby="ck-title"
        tabIndex={-1}
        ref={(node) => void (this.#dialog = node)}
        onKeyDown={this.#key}
      >
        <Header
          title={config.title || words.title}
          words={words}
          onFresh={items.length ? this.#clear : null}
          onClose={() => shell.close()}
        />
        {items.length ? (
          <Timeline chat={chat} words={words} locale={words.lang} open={open} onEdit={this.#edit} onAsk={this.#send} />
        ) : (
          <Empty config={config} greeting={greeting} words={words} onAsk={this.#send} />
        )}
        <Composer
          chat={chat}
          words={words}
          limit={config.limits.messageLength}
          disclosure={config.disclosure}
          running={running}
          offline={offline}
          draft={draft}
          onDraft={(text) => this.setState({ draft: text })}
          onSend={this.#send}
          onReady={() => this.#voice.say(words.readyAgain)}
        />
        <div class="unseen" role="status" aria-live="polite" ref={(node) => void (this.#announcer = node)} />
      </section>
    );
  }
}
