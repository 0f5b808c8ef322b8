// What does one question with its answer look like, in each of its phases?
import { Component, Fragment, h, type VNode } from 'preact';
import { isRunning, type Exchange } from '../talk/exchange';
import { Answer } from './answer';
import { CopyButton } from './copy';
import { Problem } from './problem';
import { Question, Said } from './question';
import type { Scene } from './scene';
import { Sources } from './sources';
import { Thumbs } from './thumbs';
import { Time } from './time';

interface Props {
  exchange: Exchange;
  revision: number;
  isLast: boolean;
  locked: boolean;
  scene: Scene;
  onEdit(exchange: Exchange): void;
  onAsk(text: string): void;
}

const STILL_MS = 8000;

export class ExchangeView extends Component<Props, { still: boolean }> {
  override state = { still: false };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #phase = '';

  /** A long conversation costs nothing while its last answer streams. */
  override shouldComponentUpdate(next: Props, state: { still: boolean }): boolean {
    const { revision, isLast, locked, scene } = this.props;
    return next.revision !== revision || next.isLast !== isLast || next.locked !== locked || next.scene !== scene || state.still !== this.state.still;
  }

  override componentDidMount(): void {
    this.componentDidUpdate();
  }

  override componentDidUpdate(): void {
    const { phase } = this.props.exchange;
    if (phase === this.#phase) return;
    this.#phase = phase;
    clearTimeout(this.#timer);
    if (this.state.still) this.setState({ still: false });
    if (phase === 'sending' || phase === 'waiting') this.#timer = setTimeout(() => this.setState({ still: true }), STILL_MS);
  }

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  override render({ exchange, isLast, locked, scene }: Props): VNode {
    const { words } = scene;
    const running = isRunning(exchange);
    const both = (
      <Fragment>
        <Question exchange={exchange} scene={scene} canChange={isLast && !running && !locked && !scene.chat.isShut} />
        {this.#reply(running)}
      </Fragment>
    );
    return exchange.isFolded ? (
      <details class="folded">
        <summary>
          {words.changed}: <q dir="auto">
            <Said text={exchange.question} scene={scene} isShort />
          </q>
        </summary>
        {both}
      </details>
    ) : (
      both
    );
  }

  #reply(running: boolean): VNode {
    const { exchange, isLast, locked, scene, onEdit, onAsk } = this.props;
    const { phase, answer, trouble } = exchange;
    const { words, config } = scene;
    return (
      <article class="reply" data-phase={phase} aria-label={words.assistant} aria-busy={running}>
        {answer && <Answer exchange={exchange} scene={scene} />}
        {(phase === 'reconnecting' || (running && !answer)) && this.#typing()}
        {phase === 'stopped' && (
          <p class="note">
            {words.stopped}{' '}
            {isLast && (
              // Under its own key, the gateway would give back what was stopped.
              <button type="button" class="link retry" disabled={locked} onClick={() => scene.chat.send(scene.chat.takeBack(exchange))}>
                {words.retry}
              </button>
            )}
          </p>
        )}
        {exchange.finish === 'length' && phase === 'done' && <p class="note">{words.cutShort}</p>}
        {!running && <Sources exchange={exchange} words={words} />}
        {trouble && <Problem exchange={exchange} locked={locked} scene={scene} onEdit={onEdit} />}
        {answer && !running && (
          <footer class="foot">
            <CopyButton text={answer} label={words.copyAnswer} scene={scene} />
            {config.feedback && !config.tokenless && exchange.messageId && <Thumbs exchange={exchange} scene={scene} />}
            {exchange.answeredAt && <Time at={exchange.answeredAt} lang={words.lang} />}
          </footer>
        )}
        {isLast && phase === 'done' && exchange.suggestions.length > 0 && (
          <ul class="chips" aria-label={words.suggestions}>
            {exchange.suggestions.map((text) => (
              <li>
                <button type="button" class="chip" dir="auto" onClick={() => onAsk(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        )}
      </article>
    );
  }

  #typing(): VNode {
    const { exchange, scene } = this.props;
    const { words } = scene;
    const { still } = this.state;
    const isAway = exchange.phase === 'reconnecting';
    return (
      <p class="typing">
        <span class="dots" aria-hidden="true">
          <i />
          <i />
          <i />
        </span>
        <span class={still || isAway ? 'still' : 'unseen'}>{isAway ? words.reconnecting : still ? words.still : words.thinking}</span>
      </p>
    );
  }
}
