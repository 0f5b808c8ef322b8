// Entry of the npm package: the same loader, for pages that are built with a bundler. Importing it does nothing yet.
import type { ChatkeepElement, Detail, EventName, Options } from '../contract/page';
import * as register from '../loader/register';

export type { ChatkeepElement, Detail, EventName, Options, Source } from '../contract/page';

declare global {
  interface HTMLElementTagNameMap {
    'chatkeep-widget': ChatkeepElement;
  }
  interface HTMLElementEventMap extends Record<`chatkeep:${EventName}`, CustomEvent<Detail>> {}
}

/** Makes `<chatkeep-widget widget-id="…">` known, for pages that write the element themselves. All of them talk to `gateway`. */
export function define(gateway: string): void {
  register.define(gateway);
}

/** Puts a widget on the page, or returns the one that is there. Everything comes from the gateway that is named here. */
export function init(options: Options & { gateway: string }): ChatkeepElement {
  register.define();
  return register.init(options);
}
