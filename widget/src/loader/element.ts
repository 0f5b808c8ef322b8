// What is <chatkeep-widget>? The launcher, the state of open and closed, and the door to the panel.
import type { ChatkeepElement, Detail, EventName, Source } from '../contract/page';
import { record } from '../contract/shapes';
import type { Held, Panel, PanelModule, Settings } from '../contract/shell';
import baseCss from './base.css?inline';
import { card } from './card';
import { fetchFile, filesOf } from './fetch-file';
import { gatewayOf } from './gateway';
import { judge } from './guard';
import { failed, ready } from './launcher';
import css from './loader.css?inline';
import { node } from './nodes';
import { loadSettings, type NoStart } from './settings';
import { dress } from './theme';
import { REGION } from './words';

/** A server that renders pages may import this file too; it has no elements. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

export class ChatkeepWidget extends Base implements ChatkeepElement {
  static readonly observedAttributes = ['widget-id', 'locale', 'scheme', 'position', 'open'];

  /** Where the widgets talk that stand in the page's markup. No attribute says it: markup is often not the page's own. */
  static home = gatewayOf();
  /** Where this one talks, by the script that made it; empty for markup. */
  gateway = '';
  #gateway!: string;
  #credentials: Held = {};
  #clothes = new AbortController();
  #root: ShadowRoot | null = null;
  #frame!: HTMLElement;
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
      this.#gateway = this.gateway || ChatkeepWidget.home;
      this.#credentials.identity ??= this.getAttribute('identity');
      this.#credentials.ticket ??= this.getAttribute('ticket');
      this.#frame = node('div', { class: 'ck', role: 'region', 'aria-label': REGION });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(baseCss + css);
      this.#root = this.attachShadow({ mode: 'open' });
      this.#root.adoptedStyleSheets = [sheet];
      this.#root.append(this.#frame);
      // The page's own keyboard shortcuts must not fire while somebody writes here.
      for (const type of ['keydown', 'keyup', 'keypress']) this.#frame.addEventListener(type, (e) => e.stopPropagation());
    }
    const verdict = judge(self.origin, this.#gateway);
    if (verdict === 'loopback') console.warn('Chatkeep: plain HTTP is accepted on this machine only.');
    else if (verdict) {
      this.#tell(verdict);
      throw new Error(`Chatkeep: ${verdict}`);
    }
    this.#start();
  }

  disconnectedCallback(): void {
    // Whoever moves it may take it out first and put it back in the same go.
    setTimeout(() => this.isConnected || this.#leave());
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.#started || before === now) return;
    if (name === 'open') void this.#show(now !== null);
    else if (name === 'widget-id') this.#again();
    else
      void this.#started.then((settings) => {
        if (name === 'locale') void this.#panel?.then((panel) => panel.speak());
        else this.#dress(settings);
      }, () => {});
  }

  /** Where the page's tickets come from. */
  set ticket(source: Source) {
    this.#credentials.ticket = source;
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
    this.#credentials.isCleared = !this.#panel;
    void this.#panel?.then((panel) => panel.clear());
  }

  /** Who the visitor is; null after a logout. Another person than before finds an empty chat. */
  setIdentity(identity: Source | null): void {
    this.#credentials.identity = identity;
    void this.#panel?.then((panel) => panel.identify());
  }

  destroy(): void {
    this.remove();
    this.#leave();
  }

  #start(): void {
    const life = (this.#life = new AbortController()).signal;
    this.#started = loadSettings(this.#gateway, this.getAttribute('widget-id') ?? '', life);
    this.#started
      .then(
        (settings) => {
          this.#dress(settings);
          this.#launcher = ready(settings.look.launcher, () => this.toggle());
          // First sign of interest: fetch the panel, so that opening it paints at once.
          for (const type of ['pointerenter', 'focus', 'touchstart'])
            this.#launcher.addEventListener(type, () => this.#load(settings).catch(() => {}), { once: true, passive: true });
          this.#emit('ready', { widget_id: settings.widgetId });
          // A ticket that is already here lives a minute: its session opens now.
          if (typeof this.#credentials.ticket === 'string' && record(settings.raw.features).tickets) this.#load(settings).catch(() => {});
          life.aborted || this.#frame.append(this.#launcher);
          if (this.hasAttribute('open')) this.open();
        },
        ({ code, requestId, retryAfter }: NoStart) => {
          if (life.aborted) return;
          // What the owner has to set right does not change by asking again, and no visitor has to see it.
          const owners = /^(domain|widget|invalid)_/.test(code);
          console.warn(`Chatkeep: ${code} ${requestId}${owners ? ' See: chatkeep widgets list' : ''}`);
          this.#emit('error', { code, request_id: requestId });
          // A widget that is paused or deleted is one without a chat, wherever; the rest is shown to whoever develops.
          if (owners && (code > 'w' || !judge(self.origin, this.#gateway))) return;
          this.#launcher = failed(() => this.#tell(code, requestId, owners ? undefined : () => this.#again(), retryAfter));
          this.#frame.append(this.#launcher);
        },
      );
  }

  #dress({ look }: Settings): void {
    this.#clothes.abort();
    dress(this.#frame, this, look, (this.#clothes = new AbortController()).signal);
  }

  /** Shows the card, or takes it away again. */
  #tell(code: string, requestId?: string, retry?: () => void, retryAfter?: number): void {
    const shown = this.#card?.isConnected;
    this.#card?.remove();
    if (shown) return;
    this.#card = card(code, requestId, () => this.#launcher?.focus(), retry, retryAfter);
    this.#frame.append(this.#card);
  }

  #again(): void {
    this.#end();
    this.#start();
  }

  #load(settings: Settings): Promise<Panel> {
    const life = this.#life.signal;
    const file = settings.raw.frame_url ? 'frame-host.js' : 'panel.js';
    return (this.#panel ??= fetchFile<PanelModule>(this.#gateway, file, __PANEL_INTEGRITY__, this.#attempts++)
      .then((module) => {
        if (life.aborted) throw life.reason;
        return module.mount({
          ...settings,
          gateway: this.#gateway,
          credentials: this.#credentials,
          life,
          files: filesOf(this.#gateway),
          fetchFile: (...file) => fetchFile(this.#gateway, ...file),
          frame: this.#frame,
          root: this.#root!,
          launcher: this.#launcher,
          emit: (name, detail) => this.#emit(name, detail),
          close: () => this.close(),
        });
      })
      .catch((problem) => {
        this.#panel = null;
        throw problem;
      }));
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
      this.toggleAttribute('open', open);
      this.#emit(open ? 'open' : 'close');
      return panel;
    } catch {
      this.#isOpen = false;
      this.removeAttribute('open');
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

  #leave(): void {
    if (this.#root) this.#end();
    this.removeAttribute('open');
  }

  /** Nothing is left: requests, timers, listeners, nodes. */
  #end(): void {
    this.#life?.abort();
    this.#clothes.abort();
    void this.#panel?.then((panel) => panel.destroy(), () => {});
    this.#panel = this.#started = null;
    this.#isOpen = false;
    this.#frame.classList.remove('open');
    this.#frame.replaceChildren();
  }
}
