// What follows from a thumb? The gateway hears of it; after a thumb down there is room for a comment; thanks, or why not.
import { Component, h, type VNode } from 'preact';
import type { Scene } from '../panel/scene';
import type { Exchange, Rating } from '../talk/exchange';
import { Failed } from '../talk/trouble';
import { enLazy } from '../words/en';
import { errorText } from '../words/errors';
import { rate } from './own';
import { Comment } from './writing';

interface Props {
  exchange: Exchange;
  /** The thumb that was pressed last. */
  rating: Rating;
  scene: Scene;
}

interface State {
  asks: boolean;
  told: string;
}

export class Opinion extends Component<Props, State> {
  override state: State = { asks: false, told: '' };
  #box: HTMLElement | null = null;

  override componentDidMount(): void {
    void this.#send('');
  }

  override componentDidUpdate({ rating }: Props, { asks, told }: State): void {
    if (told !== this.state.told) this.#box!.scrollIntoView({ block: 'nearest' });
    if (rating !== this.props.rating) void this.#send('');
    // With the field went the focus.
    if (asks && !this.state.asks && !(this.#box!.getRootNode() as ShadowRoot).activeElement)
      this.#box!.closest('.foot')?.querySelector<HTMLElement>('[aria-current="true"]')?.focus();
  }

  #send = async (comment: string): Promise<void> => {
    const { exchange, rating, scene } = this.props;
    const asks = rating === 'down' && !comment;
    // The question is there at once, and goes with the thumb if the gateway does not take it.
    this.setState({ asks, told: '' });
    try {
      await rate(scene, exchange, rating, comment);
      const thanks = scene.words.thanks ?? enLazy.thanks;
      this.setState({ told: asks ? '' : thanks });
      scene.say(thanks);
    } catch (error) {
      const { code, message } = error instanceof Failed ? error.trouble : { code: '', message: '' };
      const told = errorText(code, scene.words, message);
      this.setState({ asks: asks && !!exchange.rating, told });
      scene.say(told);
    }
  };

  override render({ scene }: Props, { asks, told }: State): VNode {
    return (
      <div class="opinion" ref={(node) => void (this.#box = node)}>
        {asks && <Comment words={scene.words} onSend={this.#send} onCancel={() => this.setState({ asks: false })} />}
        {told && <p class="note">{told}</p>}
      </div>
    );
  }
}
