// What does one question with its answer look like, in each of its phases?
import { Component, Fragment, h, type VNode } from 'preact';
import type { Chat } from '../talk/chat';
import { isRunning, type Exchange } from '../talk/exchange';
import type { Words } from '../words/en';
import { Answer } from './answer';
import { CopyButton } from './copy';
import { Problem } from './problem';
import { Sources } from './sources';

interface Props {
  exchange: Exchange;
  revision: number;
  isLast: boolean;
  locked: boolean;
  chat: Chat;
  words: Words;
  locale: string;
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
    const { revision, isLast, locked, words } = this.props;
    return next.words !== words || next.revision !== revision || next.isLast !== isLast || next.locked !== locked || state.still !== this.state.still;
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

  override render({ exchange, isLast, locked, chat, words, locale, onEdit, onAsk }: Props, { still }: { still: boolean }): VNode {
    const { phase, answer, trouble } = exchange;
    const time = (at: Date) => (
      <time dateTime={at.toISOString()}>{at.toLocaleTimeString(locale, { timeStyle: 'short' })}</time>
    );
    const isAway = phase === 'reconnecting';
    const waits = isAway || (isRunning(exchange) && !answer);
    return (
      <Fragment>
        <article class="question" aria-label={words.you}>
          <div class="said" dir="auto">
            {exchange.question}
          </div>
          {time(exchange.askedAt)}
        </article>
        <article class={`reply ${phase}`} aria-label={words.assistant} aria-busy={isRunning(exchange)}>
          {answer && <Answer exchange={exchange} words={words} />}
          {waits && (
            <p class="typing">
              <span class="dots" aria-hidden="true">
                <i />
                <i />
                <i />
              </span>
              <span class={still || isAway ? 'still' : 'unseen'}>
                {isAway ? words.reconnecting : still ? words.still : words.thinking}
              </span>
            </p>
          )}
          {phase === 'stopped' && <p class="note">{words.stopped}</p>}
          {exchange.finish === 'length' && phase === 'done' && <p class="note">{words.cutShort}</p>}
          {!isRunning(exchange) && <Sources exchange={exchange} words={words} />}
          {trouble && <Problem exchange={exchange} locked={locked} chat={chat} words={words} onEdit={onEdit} />}
          {answer && !isRunning(exchange) && (
            <footer class="foot">
              {exchange.answeredAt && time(exchange.answeredAt)}
              <CopyButton text={answer} label={words.copyAnswer} words={words} />
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
      </Fragment>
    );
  }
}
