// Under which name do the element and the host API exist? (Apart from the class, so that importing it has no effect.)
import { ChatkeepWidget } from './element';
import type { EventName } from '../contract/shell';

const TAG = 'chatkeep-widget';
const ACTIONS = ['open', 'close', 'toggle', 'send', 'clear', 'destroy'] as const;

const find = (): ChatkeepWidget | null => document.querySelector<ChatkeepWidget>(TAG);

/** Loading the script twice finds the element defined, and leaves it alone. */
export function register(): void {
  if (!customElements.get(TAG)) customElements.define(TAG, ChatkeepWidget);
  if ('Chatkeep' in window) return;
  const api: Record<string, unknown> = {
    version: __VERSION__,
    /** Listens on the document, so also before the element exists; returns how to stop. */
    on(name: EventName, listener: (detail: unknown) => void): () => void {
      const type = `chatkeep:${name}`;
      const heard = (event: Event) => listener((event as CustomEvent).detail);
      document.addEventListener(type, heard);
      return () => document.removeEventListener(type, heard);
    },
  };
  for (const action of ACTIONS) api[action] = (text: string) => find()?.[action](text);
  Object.defineProperty(window, 'Chatkeep', { value: Object.freeze(api) });
}

/** The element for `data-widget-id`, unless the page already has one. */
export function place(widgetId: string): void {
  if (find()) return;
  const element = document.createElement(TAG);
  element.setAttribute('widget-id', widgetId);
  document.body.append(element);
}
