// What does the visitor's own message look like? As it was typed; card numbers and the like hidden; the newest can be changed.
import { Component, h, type ComponentChild, type VNode } from 'preact';
import type { Exchange } from '../talk/exchange';
import { Pencil } from './icons';
import { Later } from './later';
import type { Scene } from './scene';
import { Time } from './time';

interface Props {
  exchange: Exchange;
  scene: Scene;
  canChange: boolean;
}

/** As many digits as the shortest number that is hidden; whether it is one is found out by what hides it. */
const SUSPECT = /(?:\p{Nd}\P{Nd}*){9}/u;

/** `isShort`: nothing in it can be pressed. */
export const Said = ({ text, scene: { config, words }, scene, isShort }: { text: string; scene: Scene; isShort?: boolean }): ComponentChild =>
  config.masking && SUSPECT.test(text) ? (
    <Later file="more" scene={scene}>
      {({ Masked }) => <Masked text={text} words={words} isShort={isShort} />}
    </Later>
  ) : (
    text
  );

export class Question extends Component<Props, { changes: boolean }> {
  override state = { changes: false };
  #pencil: HTMLElement | null = null;

  #leave = (): void => this.setState({ changes: false }, () => this.#pencil?.focus());

  override render({ exchange, scene, canChange }: Props, { changes }: { changes: boolean }): VNode {
    const { chat, words, config } = scene;
    const { question } = exchange;
    return (
      <article class="question" aria-label={words.you}>
        {changes && canChange ? (
          <Later file="more" scene={scene}>
            {({ Editor }) => (
              <Editor text={question} limit={config.limits.messageLength} words={words} onSend={(text: string) => chat.resend(exchange, text)} onCancel={this.#leave} />
            )}
          </Later>
        ) : (
          <div class="said" dir="auto">
            <Said text={question} scene={scene} />
          </div>
        )}
        <footer class="foot">
          {canChange && !changes && (
            <button
              type="button"
              class="copy"
              aria-label={words.edit}
              title={words.edit}
              ref={(node) => void (this.#pencil = node)}
              onClick={() => this.setState({ changes: true })}
            >
              <Pencil />
            </button>
          )}
          <Time at={exchange.askedAt} lang={words.lang} />
        </footer>
      </article>
    );
  }
}
