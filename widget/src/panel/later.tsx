// What stands where a part is still being fetched, or could not be? Never more than one line: the chat goes on.
import { Component, h, type ComponentChild } from 'preact';
import type { Lazies } from './lazies';
import type { Scene } from './scene';

interface Props<Name extends keyof Lazies> {
  file: Name;
  scene: Scene;
  children(module: Lazies[Name]): ComponentChild;
}

/** `<Later file="…" scene={scene}>{(module) => <module.View … />}</Later>` */
export class Later<Name extends keyof Lazies> extends Component<Props<Name>, { module?: Lazies[Name]; failed: boolean }> {
  override state: { module?: Lazies[Name]; failed: boolean } = { failed: false };
  #isGone = false;

  override componentDidMount(): void {
    this.#ask();
  }

  override componentWillUnmount(): void {
    this.#isGone = true;
  }

  #ask = (): void => {
    this.setState({ failed: false });
    this.props.scene.lazy(this.props.file).then(
      (module) => this.#isGone || this.setState({ module }),
      () => this.#isGone || this.setState({ failed: true }),
    );
  };

  override render({ scene: { words }, children }: Props<Name>, { module, failed }: { module?: Lazies[Name]; failed: boolean }): ComponentChild {
    if (module) return children(module);
    if (!failed) return <p class="note" aria-busy="true" />;
    return (
      <p class="note" role="alert">
        {words.partFailed}{' '}
        <button type="button" class="link" onClick={this.#ask}>
          {words.retry}
        </button>
      </p>
    );
  }
}
