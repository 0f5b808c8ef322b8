// What is <chatkeep-widget>? The launcher, the state of open and closed, and the door to the panel.
import type { Detail, EventName, Panel, Settings } from '../contract/shell';
import { card } from './card';
import { fetchPanel } from './fetch-panel';
import { gateway } from './gateway';
import { judge } from './guard';
import { failed, ready } from './launcher';
import css from './loader.css?inline';
import { node } from './nodes';
import { loadSettings, type NoStart } from './settings';
import { dress } from './theme';
import { REGION } from './words';

export class ChatkeepWidget extends HTMLElement {
  #root: ShadowRoot | null = null;
  #frame = node('div', { class: 'ck', role: 'region', 'aria-label': REGION });
  #launcher!: HTMLButtonElement;
  #life!: AbortController;
  #started: Promise<Settings> | null = null;
  #panel: Promise<Panel> | null = null;
  #attempts = 0;
  #isOpen = false;
  #card: HTMLElement | null = null;

  connectedCallback(): void {
    // Moving the element in the page connects it again: what runs goes on.
    if (this.#started) return;
    if (!this.#root) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      this.#root = this.attachShadow({ mode: 'open' });
      this.#root.adoptedStyleSheets = [sheet];
      this.#root.append(this.#frame);
      // The page's own keyboard shortcuts must not fire while somebody writes here.
      for (const type of ['keydown', 'keyup', 'keypress']) this.#frame.addEventListener(type, (e) => e.stopPropagation());
    }
    const verdict = judge(self.origin, gateway);
    if (verdict === 'loopback') console.warn('Chatkeep: plain HTTP is accepted on this machine only.');
    else if (verdict) {
      this.#tell(verdict);
      throw new Error(`Chatkeep: ${verdict}`);
    }
    this.#start();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => this.isConnected || this.#end());
  }

  open(): void {
    void this.#show(true);
  }

  close(): void {
    void this.#show(false);
  }

  toggle(): void {
    void this.#show(!this.#isOpen);
  }

  /** Open the chat and ask this. */
  send(text: string): void {
    void this.#show(true).then((panel) => panel?.send(`${text}`));
  }

  /** Forget the conversation and its session. */
  clear(): void {
    void this.#panel?.then((panel) => panel.clear());
  }

  destroy(): void {
    this.remove();
  }

  #start(): void {
    const life = (this.#life = new AbortController()).signal;
    this.#started = loadSettings(gateway, this.getAttribute('widget-id') ?? '', life);
    this.#started
      .then(
        (settings) => {
          dress(this.#frame, this, settings.look, life);
          this.#launcher = ready(settings.look.launcher.label, () => this.toggle());
          // First sign of interest: fetch the panel, so that opening it paints at once.
          for (const type of ['pointerenter', 'focus', 'touchstart'])
            this.#launcher.addEventListener(type, () => this.#load(settings).catch(() => {}), { once: true, passive: true });
          this.#emit('ready', { widget_id: settings.widgetId });
        },
        ({ code, requestId }: NoStart) => {
          if (life.aborted) return;
          console.warn(`Chatkeep: ${code} ${requestId}`);
          this.#emit('error', { code, request_id: requestId });
          // What the owner has to set right does not change by asking again.
          const again = /^(domain|widget|invalid)_/.test(code) ? undefined : () => this.#again();
          this.#launcher = failed(() => this.#tell(code, requestId, again));
        },
      )
      .finally(() => life.aborted || this.#frame.append(this.#launcher));
  }

  /** Shows the card, or takes it away again. */
  #tell(code: string, requestId?: string, retry?: () => void): void {
    const shown = this.#card?.isConnected;
    this.#card?.remove();
    if (shown) return;
    this.#card = card(code, requestId, () => this.#launcher?.focus(), retry);
    this.#frame.append(this.#card);
  }

  #again(): void {
    this.#end();
    this.#start();
  }

  #load(settings: Settings): Promise<Panel> {
    const life = this.#life.signal;
    return (this.#panel ??= fetchPanel(gateway, this.#attempts++).then(
      (module) => {
        if (life.aborted) throw life.reason;
        return module.mount({
          ...settings,
          gateway,
          frame: this.#frame,
          root: this.#root!,
          launcher: this.#launcher,
          emit: (name, detail) => this.#emit(name, detail),
          close: () => this.close(),
        });
      },
      (problem) => {
        this.#panel = null;
        throw problem;
      },
    ));
  }

  async #show(open: boolean): Promise<Panel | null> {
    const settings = await this.#started?.catch(() => null);
    if (!settings || (!open && !this.#isOpen)) return null;
    const launcher = this.#launcher;
    const changes = open !== this.#isOpen;
    this.#isOpen = open;
    launcher.ariaBusy = 'true';
    try {
      const panel = await this.#load(settings);
      // The visitor may have changed their mind while the panel was loading.
      if (!changes || this.#isOpen !== open) return panel;
      this.#card?.remove();
      if (open) panel.open();
      else panel.close();
      this.#emit(open ? 'open' : 'close');
      return panel;
    } catch {
      this.#isOpen = false;
      if (this.#life.signal.aborted) return null;
      this.#emit('error', { code: 'panel_failed' });
      this.#tell('panel_failed', '', () => this.open());
      return null;
    } finally {
      launcher.ariaBusy = 'false';
    }
  }

  #emit(name: EventName, detail: Detail = {}): void {
    this.dispatchEvent(new CustomEvent(`chatkeep:${name}`, { bubbles: true, composed: true, detail }));
  }

  /** Nothing is left: requests, timers, listeners, nodes. */
  #end(): void {
    this.#life?.abort();
    void this.#panel?.then((panel) => panel.destroy(), () => {});
    this.#panel = this.#started = null;
    this.#isOpen = false;
    this.#frame.classList.remove('open');
    this.#frame.replaceChildren();
  }
}
