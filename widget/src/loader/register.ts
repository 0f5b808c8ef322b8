// Under which name do the element and the host API exist? (Apart from the class, so that importing it has no effect.)
import type { ChatkeepApi, Detail, EventName, Options } from '../contract/page';
import { ChatkeepWidget } from './element';
import { gatewayOf } from './gateway';

const TAG = 'chatkeep-widget';
const ACTIONS = ['open', 'close', 'toggle', 'send', 'setIdentity', 'clear'] as const;

/** The one that a script has made. Markup that got into the page must not become the page's chat, wherever it stands. */
const find = () => {
  const all = [...document.querySelectorAll<ChatkeepWidget>(TAG)];
  return all.find(({ gateway }) => gateway) ?? all[0];
};

/** The element exists once in a page, whoever brings it. */
export function define(gateway?: string): void {
  if (gateway) ChatkeepWidget.home = gatewayOf(gateway);
  if (!customElements.get(TAG)) customElements.define(TAG, ChatkeepWidget);
}

/** A widget beside the body, where nothing that swaps the page's content takes it away. One for each page: the first. */
export function init(options: Options): ChatkeepWidget {
  // What the page has given, and nothing that somebody has put into all objects.
  const given: Record<string, unknown> & Partial<Options> = { __proto__: null, ...options };
  const there = find();
  if (there?.gateway) {
    console.info('Chatkeep: there is a widget on this page already; it stays until destroy().');
    return there;
  }
  const element = document.createElement(TAG) as ChatkeepWidget;
  element.gateway = gatewayOf(given.gateway);
  given['widget-id'] = given.widgetId;
  for (const name of ChatkeepWidget.observedAttributes)
    if (given[name] || given[name] === '') element.setAttribute(name, given[name] === true ? '' : `${given[name]}`);
  if (given.identity) element.setIdentity(given.identity);
  if (given.ticket) element.ticket = given.ticket;
  document.documentElement.append(element);
  return element;
}

/** Sets the global `Chatkeep`; a second script finds it set, and leaves it alone. */
export function register(): void {
  define();
  // A page's `<i id=Chatkeep>` is in the window, but not its own.
  if (Object.hasOwn(window, 'Chatkeep')) return;
  let heard = new AbortController();
  const api: Partial<ChatkeepApi> = {
    version: __VERSION__,
    init,
    /** Listens on the document, so also before the element exists; returns how to stop. */
    on(name: EventName, listener: (detail: Detail) => void): () => void {
      const type = `chatkeep:${name}`;
      const hear = (event: Event) => listener((event as CustomEvent<Detail>).detail);
      document.addEventListener(type, hear, heard);
      return () => document.removeEventListener(type, hear);
    },
    /** Every widget, and whoever listens. */
    destroy(): void {
      document.querySelectorAll<ChatkeepWidget>(TAG).forEach((element) => element.destroy());
      heard.abort();
      heard = new AbortController();
    },
  };
  for (const action of ACTIONS) (api as Record<string, unknown>)[action] = (value: never) => find()?.[action](value);
  Object.defineProperty(window, 'Chatkeep', { value: Object.freeze(api) });
}
