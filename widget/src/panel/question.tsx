// What does the visitor's own message look like? As it was typed; card numbers and the like hidden; the newest can be changed.
import { Component, h, type VNode } from 'preact';
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

/** Long enough for a card or account number; whether it is one is found out by what hides it. */
const SUSPECT = /\d([ .-]?[\da-z]){8}/i;

export class Question extends Component<Props, { changes: boolean }> {
  override state = { changes: false };
  #pencil: HTMLElement | null = null;

  #leave = (): void => this.setState({ changes: false }, () => this.#pencil?.focus());

  override render({ exchange, scene, canChange }: Props, { changes }: { changes: boolean }): VNode {
    const { chat, words, config } = scene;
    const { question } = exchange;
    const hides = config.masking && SUSPECT.test(question);
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
            {hides ? (
              <Later file="more" scene={scene}>
                {({ Masked }) => <Masked text={question} words={words} />}
              </Later>
            ) : (
              question
            )}
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
