// How is a sensitive value shown that the visitor has written? As dots that are copied as dots, until they want to see it.
import { Component, Fragment, h, type VNode } from 'preact';
import { enLazy, type Words } from '../words/en';
import { bullets, partsOf } from './secrets';

interface Props {
  text: string;
  words: Words;
  /** Only told about: it cannot be shown here. */
  isShort?: boolean | undefined;
}

export const Masked = ({ text, ...rest }: Props): VNode => (
  <Fragment>{partsOf(text).map((part) => (part.secret ? <Secret text={part.text} {...rest} /> : part.text))}</Fragment>
);

class Secret extends Component<Props, { shown: boolean }> {
  override state = { shown: false };

  override render({ text, words, isShort }: Props, { shown }: { shown: boolean }): VNode {
    const say = { ...enLazy, ...words };
    return (
      <span class="secret">
        {/* Dots are no words: a screen reader hears what they stand for. */}
        {shown ? <bdi>{text}</bdi> : [<bdi aria-hidden="true">{bullets(text)}</bdi>, <span class="unseen">{say.masked}</span>]}
        {!isShort && (
          <button type="button" onClick={() => this.setState({ shown: !shown })}>
            {shown ? say.hide : say.reveal}
          </button>
        )}
      </span>
    );
  }
}
