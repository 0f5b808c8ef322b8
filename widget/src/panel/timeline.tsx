// How is the conversation laid out and scrolled? It follows the answer only while the visitor reads its end.
import { Component, Fragment, h, type VNode } from 'preact';
import type { Exchange } from '../talk/exchange';
import { ExchangeView } from './exchange';
import { Down } from './icons';
import type { Scene } from './scene';
import { dayOf } from './time';

interface Props {
  scene: Scene;
  open: boolean;
  onEdit(exchange: Exchange): void;
  onAsk(text: string): void;
}

/** So near to the end, going down, is its end. */
const END_PX = 8;

export class Timeline extends Component<Props, { away: boolean }> {
  override state = { away: false };
  #log: HTMLElement | null = null;
  #count = 0;
  #follows = true;
  /** Where it was last, and how far it went. */
  #top = 0;
  #max = 0;

  override componentDidMount(): void {
    this.#settle();
  }

  override componentDidUpdate(): void {
    this.#settle();
  }

  #settle(): void {
    const log = this.#log;
    if (!log) return;
    const { length } = this.props.scene.chat.items;
    // One's own message is always brought into view.
    if (length > this.#count) this.#follows = true;
    this.#count = length;
    if (!this.#follows) return;
    log.scrollTop = log.scrollHeight;
    // What fits without scrolling sends no event.
    this.#scrolled();
  }

  #scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.#log!;
    const max = scrollHeight - clientHeight;
    // By the smallest step of a finger or wheel; but what gets shorter also moves up. Parts of a pixel are the browser's.
    if (this.#top - scrollTop > 0.5 && max >= this.#max) this.#follows = false;
    else if (max - scrollTop < END_PX) this.#follows = true;
    this.#top = scrollTop;
    this.#max = max;
    if (this.state.away === this.#follows) this.setState({ away: !this.#follows });
  };

  #latest = (): void => {
    this.#follows = true;
    this.#log?.scrollTo({ top: this.#log.scrollHeight, behavior: 'instant' });
    this.#log?.focus({ preventScroll: true });
  };

  override render({ scene, onEdit, onAsk }: Props, { away }: { away: boolean }): VNode {
    const { chat, words } = scene;
    const last = chat.items.at(-1);
    const locked = chat.blocked || !!chat.running;
    let day = '';
    return (
      <div class="middle">
        {/* The log itself is silent: sentences are announced by the live region of the dialog. */}
        <div
          class="log"
          role="log"
          aria-live="off"
          aria-label={words.log}
          tabIndex={0}
          ref={(node) => void (this.#log = node)}
          onScroll={this.#scrolled}
        >
          {chat.items.map((item) =>
            item.kind === 'divider' ? (
              <p class="divider" key={item.id}>
                <span>
                  {words.fresh} · {words.earlier}
                </span>
              </p>
            ) : (
              <Fragment key={item.id}>
                {/* Only where it changes: nobody needs to be told today's. */}
                {day !== (day = dayOf(item.askedAt, words.lang)) && item !== chat.items[0] && (
                  <p class="divider">
                    <span>{day}</span>
                  </p>
                )}
                <ExchangeView
                  exchange={item}
                  revision={item.revision}
                  isLast={item === last}
                  locked={locked}
                  scene={scene}
                  onEdit={onEdit}
                  onAsk={onAsk}
                />
              </Fragment>
            ),
          )}
        </div>
        {away && (
          <button type="button" class="latest" onClick={this.#latest}>
            <Down />
            {words.latest}
          </button>
        )}
      </div>
    );
  }
}
