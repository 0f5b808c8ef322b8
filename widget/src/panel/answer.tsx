// How is the text of an answer drawn while it grows? Settled blocks once, the open block again with each frame.
import { Component, h, type ComponentChild, type VNode } from 'preact';
import { BlockSplitter, type Blocks } from '../markdown/blocks';
import { render, type Setting } from '../markdown/render';
import { isRunning, type Exchange } from '../talk/exchange';
import { CopyButton } from './copy';
import type { Scene } from './scene';
import { showSource } from './sources';

interface Props {
  exchange: Exchange;
  scene: Scene;
}

export class Answer extends Component<Props> {
  #splitter = new BlockSplitter();
  #drawn: ComponentChild[] = [];
  #blocks: Blocks = { settled: [], open: [], isWhole: true };
  #sources: unknown;
  #words: unknown;
  #dueAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  /** Parses; but a very long open block not in every frame: at most a quarter of the time goes into parsing. */
  #parse({ answer }: Exchange, live: boolean): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    if (live && now < this.#dueAt) {
      this.#timer = setTimeout(() => this.forceUpdate(), this.#dueAt - now);
      return;
    }
    this.#blocks = this.#splitter.split(answer, live);
    this.#dueAt = performance.now() + 3 * (performance.now() - now);
  }

  override render({ exchange, scene }: Props): VNode {
    const live = isRunning(exchange);
    if (exchange.drawn)
      return (
        <div class="text" dir="auto">
          {exchange.drawn}
        </div>
      );
    this.#parse(exchange, live);
    const setting = this.#setting(exchange, scene);
    const { settled, open } = this.#blocks;
    // The same virtual nodes as last time are skipped whole. Sources, another language or a new start change what was drawn.
    if (this.#sources !== exchange.sources || this.#words !== scene.words || settled.length < this.#drawn.length) this.#drawn = [];
    this.#sources = exchange.sources;
    this.#words = scene.words;
    for (let i = this.#drawn.length; i < settled.length; i++) this.#drawn.push(render([settled[i]!], setting));
    // Keys by place: a block that settles keeps its nodes, so nothing jumps (and nothing counts as a layout shift).
    const row = [...this.#drawn, ...render(open, setting)];
    return (
      <div class={`text ${live ? 'live' : ''}`} dir="auto">
        {row.map((block, i) => (
          <Block key={i} of={block} />
        ))}
      </div>
    );
  }

  #setting(exchange: Exchange, scene: Scene): Setting {
    const { words } = scene;
    return {
      words,
      // The policy of the frame's page loads none.
      imageHosts: __FRAMED__ ? [] : scene.config.content.imageHosts,
      known: new Set(exchange.sources.map(({ index }) => index)),
      cite: (index) => (
        <sup>
          <button
            type="button"
            class="cite"
            aria-label={`${words.source} ${index}: ${exchange.sources.find((s) => s.index === index)?.title ?? ''}`}
            onClick={(event) => showSource(event.currentTarget, exchange.id, index)}
          >
            {index}
          </button>
        </sup>
      ),
      code: (text, language) => (
        <div class="code">
          <div class="bar">
            <span>{language || words.code}</span>
            <CopyButton text={text} label={words.copyCode} scene={scene} />
          </div>
          <pre tabIndex={0} dir="ltr">
            <code>{text}</code>
          </pre>
        </div>
      ),
    };
  }
}

/** Draws what it is given, and not again while it is given the same. */
class Block extends Component<{ of: ComponentChild }> {
  override shouldComponentUpdate(next: { of: ComponentChild }): boolean {
    return next.of !== this.props.of;
  }

  override render({ of }: { of: ComponentChild }): ComponentChild {
    return of;
  }
}
