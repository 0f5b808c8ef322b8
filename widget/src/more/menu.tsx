// What can be done with the whole conversation? Begin a new one, take it away, end and erase it.
import { Component, h, type VNode } from 'preact';
import { Fresh } from '../panel/icons';
import type { Scene } from '../panel/scene';
import { Failed } from '../talk/trouble';
import { enLazy } from '../words/en';
import { errorText } from '../words/errors';
import { Bin, Download } from './icons';
import { download, erase } from './own';

interface Props {
  scene: Scene;
  /** Everything off the screen; `ended`: what is said in its place. */
  onClear(ended?: string): void;
  onClose(): void;
  /** The focus has gone elsewhere, and stays there. */
  onLeave(): void;
}

interface State {
  view: 'list' | 'fresh' | 'erase';
  busy: boolean;
  problem: string;
}

export class Menu extends Component<Props, State> {
  override state: State = { view: 'list', busy: false, problem: '' };
  #box: HTMLElement | null = null;

  override componentDidMount(): void {
    this.#first();
    (this.#box!.getRootNode() as ShadowRoot).addEventListener('pointerdown', this.#outside);
    this.#box!.addEventListener('focusout', this.#left);
  }

  override componentWillUnmount(): void {
    (this.#box!.getRootNode() as ShadowRoot).removeEventListener('pointerdown', this.#outside);
  }

  override componentDidUpdate(_props: Props, { view }: State): void {
    if (view !== this.state.view) this.#first();
  }

  get #buttons(): HTMLElement[] {
    return [...this.#box!.querySelectorAll('button')];
  }

  #first(): void {
    this.#buttons[0]?.focus({ preventScroll: true });
  }

  #outside = (event: Event): void => {
    const path = event.composedPath();
    const isOurs = path.includes(this.#box!) || path.some((node) => node instanceof Element && node.matches('.more'));
    if (!isOurs) this.props.onClose();
  };

  /** What was focused may only be gone: then another button gets the focus. */
  #left = ({ relatedTarget }: FocusEvent): void => {
    if (relatedTarget && !this.#box!.contains(relatedTarget as Node) && !(relatedTarget as Element).matches('.more')) this.props.onLeave();
  };

  #key = (event: KeyboardEvent): void => {
    const all = this.#buttons;
    const here = all.indexOf((this.#box!.getRootNode() as ShadowRoot).activeElement as HTMLElement);
    const to = { ArrowDown: (here + 1) % all.length, ArrowUp: here - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all.at(to)!.focus();
  };

  /** Does it; a problem is said here, and everything stays as it was. */
  #try = async (act: () => Promise<void>): Promise<void> => {
    if (this.state.busy) return;
    const { scene } = this.props;
    this.setState({ busy: true, problem: '' });
    try {
      await act();
    } catch (error) {
      const { code, message } = error instanceof Failed ? error.trouble : { code: '', message: '' };
      this.setState({ busy: false, problem: errorText(code, scene.words, message) });
    }
  };

  #save = (format: string): Promise<void> =>
    this.#try(async () => {
      await download(this.props.scene.chat, format);
      this.props.onClose();
    });

  #erase = (): Promise<void> =>
    this.#try(async () => {
      const { scene, onClear } = this.props;
      const { erased, partlyErased } = { ...enLazy, ...scene.words };
      const [first] = scene.chat.items;
      const outcome = (await erase(scene.chat)) ? erased : partlyErased;
      // What is there now may be somebody else's.
      if (scene.chat.items[0] !== first) return;
      onClear(outcome);
      scene.say(outcome);
    });

  override render({ onClear }: Props, { view, busy, problem }: State): VNode {
    const say = { ...enLazy, ...this.props.scene.words };
    return (
      <div class="menu" role="dialog" aria-label={say.menu} aria-busy={busy} ref={(node) => void (this.#box = node)} onKeyDown={this.#key}>
        {view === 'list' && this.#list()}
        {view === 'fresh' && this.#ask(say.freshConfirm, say.fresh, () => onClear())}
        {view === 'erase' && this.#ask(say.eraseConfirm, say.erase, this.#erase, 'main danger')}
        {problem && (
          <p class="note" role="alert">
            {problem}
          </p>
        )}
      </div>
    );
  }

  #list(): VNode[] {
    const { chat, config, words } = this.props.scene;
    const say = { ...enLazy, ...words };
    const item = (text: string, Icon: () => VNode, act: () => void) => (
      <button type="button" class="item" onClick={act}>
        <Icon />
        {text}
      </button>
    );
    const list = [item(say.fresh, Fresh, () => this.setState({ view: 'fresh' }))];
    // Without a session the gateway gives nothing out and erases nothing for a visitor whom it cannot tell from another.
    if (!chat.session.held.length) return list;
    if (config.transcript && chat.conversationId)
      list.push(
        <div class="formats" role="group" aria-label={say.download}>
          <p>
            <Download />
            {say.download}
          </p>
          {Object.entries({ txt: say.plainText, md: 'Markdown', json: 'JSON' }).map(([format, text]) => (
            <button type="button" class="format" onClick={() => this.#save(format)}>
              {text}
            </button>
          ))}
        </div>,
      );
    list.push(item(say.erase, Bin, () => this.setState({ view: 'erase' })));
    return list;
  }

  #ask(question: string, label: string, act: () => void, look = 'main'): VNode[] {
    const { cancel } = { ...enLazy, ...this.props.scene.words };
    return [
      <p>{question}</p>,
      <p class="acts">
        <button type="button" class="link" onClick={() => this.setState({ view: 'list', problem: '' })}>
          {cancel}
        </button>
        <button type="button" class={look} onClick={act}>
          {label}
        </button>
      </p>,
    ];
  }
}
