// What is in the dialog, and what happens when it opens and closes?
import { Component, h, type VNode } from 'preact';
import type { Shell } from '../contract/shell';
import { isRunning, type Exchange } from '../talk/exchange';
import { Announcer } from './announcer';
import { Composer } from './composer';
import { Empty } from './empty';
import { isModal, keepInside } from './focus';
import { Header } from './header';
import { Later } from './later';
import type { Scene } from './scene';
import { Timeline } from './timeline';
import { followKeyboard } from './viewport';

export interface Handle {
  open(): void;
  close(): void;
  send(text: string): void;
  /** Everything off the screen, for somebody else, who asks `question` if it is not empty. */
  clear(question?: string): void;
  /** Whether the visitor agreed to the owner's notice before the page was loaded anew. */
  agreed(is: boolean): void;
  redraw(): void;
  say(text: string): void;
}

interface Props {
  shell: Shell;
  scene: Scene;
  hold(handle: Handle): void;
}

interface State {
  open: boolean;
  offline: boolean;
  menu: boolean;
  /** What the visitor said to the owner's notice; empty: nothing yet. */
  consent: '' | 'yes' | 'no';
  /** Why there is no conversation any more: the visitor has ended it. */
  ended: string;
  draft: string;
}

export class App extends Component<Props, State> {
  override state: State = { open: false, offline: !navigator.onLine, menu: false, consent: '', ended: '', draft: '' };
  #dialog: HTMLElement | null = null;
  #announcer: HTMLElement | null = null;
  #voice = new Announcer((text) => this.#announcer?.replaceChildren(text));
  #life = new AbortController();
  /** What could not be sent. */
  #asked = '';

  override componentDidMount(): void {
    const { signal } = this.#life;
    const network = () => {
      const offline = !navigator.onLine;
      if (this.state.offline && !offline) this.#voice.say(this.props.scene.words.online);
      this.setState({ offline });
    };
    addEventListener('online', network, { signal });
    addEventListener('offline', network, { signal });
    followKeyboard(this.#dialog!, signal);
    this.props.hold({
      open: () => this.setState({ open: true }, () => this.#focus()),
      close: () => this.setState({ open: false, menu: false }),
      send: (text) => this.#send(text),
      clear: (question) => this.#clear('', true, question),
      agreed: (is) => {
        const { chat } = this.props.scene;
        const { running } = chat;
        this.setState({ consent: is ? 'yes' : '' });
        if (is || !running) return;
        chat.stop();
        this.setState({ draft: `${chat.takeBack(running)} ${this.state.draft}`.trim() });
      },
      redraw: () => {
        const { chat, words } = this.props.scene;
        const last = chat.items.at(-1);
        if (last?.kind === 'exchange') this.#voice.hear(last, words);
        this.forceUpdate();
      },
      say: (text) => this.#voice.say(text),
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
    const field = this.#dialog?.querySelector<HTMLElement>('.composer textarea');
    ((!touch && field) || this.#dialog)?.focus({ preventScroll: true });
  }

  get #needsConsent(): boolean {
    return !!this.props.scene.config.consent?.required && this.state.consent !== 'yes';
  }

  #send = (text: string): boolean => {
    const taken = navigator.onLine && !this.#needsConsent && this.props.scene.chat.send(text);
    // The visitor's own words stay.
    const draft = this.state.draft || text;
    this.setState(taken ? { ended: '' } : { draft });
    if (draft === text) this.#asked = taken ? '' : text;
    return taken;
  };

  #suggested = (text: string): void => {
    if (this.#send(text)) this.props.scene.said('suggestion', {});
  };

  #clear = (ended = '', isAnybody = !!ended, question = ''): void => {
    // Whoever writes elsewhere on the page goes on there.
    const isHere = document.hasFocus() && this.props.shell.root.activeElement;
    this.props.scene.chat.clear();
    this.#voice.end();
    // Who has had everything erased has taken their consent back, and whoever comes next has given none.
    if (isAnybody) this.props.scene.agree(false);
    this.setState({ draft: '', menu: false, ended, consent: isAnybody ? '' : this.state.consent }, () => {
      if (isHere) this.#focus();
      if (question) this.#send(question);
    });
  };

  #edit = (exchange: Exchange): void => {
    this.setState({ draft: this.props.scene.chat.takeBack(exchange) });
    this.#focus();
  };

  #menu = (): void => {
    this.setState({ menu: !this.state.menu }, () => this.#dialog?.querySelector<HTMLElement>('.more')?.focus());
  };

  #key = (event: KeyboardEvent): void => {
    // Esc and Enter also end a word in an input method; those are not for us.
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      if (this.state.menu) this.#menu();
      else this.props.shell.close();
    } else if (event.key === 'Tab' && this.#isModal()) keepInside(this.#dialog!, event);
  };

  override render({ shell, scene }: Props, { open, offline, menu, consent, ended, draft }: State): VNode {
    const { chat, config, words } = scene;
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
          menu={items.length ? menu : null}
          onMenu={this.#menu}
          onClose={() => shell.close()}
        />
        {menu && (
          <Later file="more" scene={scene}>
            {({ Menu }) => <Menu scene={scene} onClear={this.#clear} onClose={this.#menu} onLeave={() => this.setState({ menu: false })} />}
          </Later>
        )}
        {items.length ? (
          <Timeline scene={scene} open={open} onEdit={this.#edit} onAsk={this.#suggested} />
        ) : (
          <Empty scene={scene} ended={ended} isOpen={!ended && !this.#needsConsent} onAsk={this.#suggested} onFresh={() => this.#clear()} />
        )}
        {config.consent && !consent && !ended && (this.#needsConsent || !items.length) && this.#consent(false)}
        {this.#needsConsent && consent && this.#consent(true)}
        {!ended && (
          <Composer
            scene={scene}
            running={running}
            offline={offline}
            locked={this.#needsConsent}
            draft={draft}
            onDraft={(text) => this.setState({ draft: text })}
            onSend={this.#send}
            onReady={() => this.#voice.say(words.readyAgain)}
          />
        )}
        <div class="unseen" role="status" aria-live="polite" ref={(node) => void (this.#announcer = node)} />
      </section>
    );
  }

  #consent(declined: boolean): VNode {
    const { scene } = this.props;
    const { config, words } = scene;
    return (
      <Later file="more" scene={scene}>
        {({ Consent }) => <Consent notice={config.consent!} declined={declined} words={words} onAnswer={this.#answer} />}
      </Later>
    );
  }

  #answer = (agrees: boolean): void => {
    this.props.scene.agree(agrees);
    this.setState({ consent: agrees ? 'yes' : 'no' }, () => {
      if (!agrees) return;
      this.#focus();
      // What was waiting for it.
      if (this.#asked && this.#asked === this.state.draft && this.#send(this.#asked)) this.setState({ draft: '' });
    });
  };
}
