// What does the visitor think of an answer? Two thumbs; what follows from one is fetched with it.
import { Component, Fragment, h, type VNode } from 'preact';
import type { Exchange, Rating } from '../talk/exchange';
import { Thumb } from './icons';
import { Later } from './later';
import type { Scene } from './scene';

interface Props {
  exchange: Exchange;
  scene: Scene;
}

export class Thumbs extends Component<Props, { rating: Rating }> {
  override state: { rating: Rating } = { rating: '' };

  override render({ exchange, scene }: Props, { rating }: { rating: Rating }): VNode {
    const thumb = (which: Rating, label: string) => (
      <button type="button" class="copy thumb" aria-label={label} aria-current={exchange.rating === which} onClick={() => this.setState({ rating: which })}>
        <Thumb />
      </button>
    );
    return (
      <Fragment>
        {thumb('up', scene.words.good)}
        {thumb('down', scene.words.bad)}
        {rating && (
          <Later file="more" scene={scene}>
            {({ Opinion }) => <Opinion exchange={exchange} rating={rating} scene={scene} />}
          </Later>
        )}
      </Fragment>
    );
  }
}
