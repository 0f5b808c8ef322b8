// Entry of panel.js: build the chat, draw it into the loader's frame, and take it all away again.
import { h, render } from 'preact';
import { parseConfig } from '../contract/config';
import { record } from '../contract/look';
import type { Panel, Shell } from '../contract/shell';
import { Chat } from '../talk/chat';
import { personOf, takeCredentials } from '../talk/credentials';
import { wanted, wordsFor } from '../words/choose';
import type { Remembered } from '../resume/main';
import type { Words } from '../words/en';
import { App, type Handle } from './app';
import { LauncherState } from './launcher';
import { lazyFiles } from './lazy';
import { pageOf } from './page';
import { enricher } from './rich';
import type { Scene } from './scene';
import composerCss from './composer.css?inline';
import panelCss from './panel.css?inline';
import textCss from './text.css?inline';
import timelineCss from './timeline.css?inline';

/** Longer than two pings of the gateway (15 s): silence means that the connection is dead. */
const SILENCE_MS = 30_000;

export async function mount(shell: Shell): Promise<Panel> {
  const { root, frame, gateway, inside, widgetId, credentials } = shell;
  const config = parseConfig(shell.raw);
  const sheets: CSSStyleSheet[] = [];
  const adopt = (css: string) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.push(sheet);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  };
  const lazy = lazyFiles(shell.fetchFile, adopt);
  const find = () => wordsFor(wanted(root.host as HTMLElement, config.locale), record(record(shell.raw).features).texts, lazy, shell.fetchFile);
  let words = await find();
  const enrich = enricher(lazy, config.content.imageHosts, () => words);
  const greeting = config.content.htmlGreeting ? (await enrich(config.greeting)).drawn : config.greeting;
  shell.life.throwIfAborted();
  const launcher = new LauncherState(shell.launcher, frame, shell.look.launcher.name);
  // What holds for small screens and forced colours stands last (panel.css).
  adopt(timelineCss + textCss + composerCss + panelCss);
  const place = document.createElement('div');
  frame.prepend(place);

  const wire = { gateway, widgetId, silenceMs: SILENCE_MS, tokenless: config.tokenless };
  // Who does not want to be counted, or was not asked yet, costs no request either. A frame has no origin that is listed.
  const isSilent = inside || !config.analytics || navigator.doNotTrack === '1' || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
  const count: Scene['said'] = (what, detail) => {
    const at = new Date().toISOString();
    if (!isSilent && (!config.consent || hasConsent)) lazy('report').then((found) => found.report(wire, { what, at, detail }, shell.life), () => {});
  };
  const said: Scene['said'] = (what, detail) => {
    if (what === 'answer') launcher.unread();
    if (what !== 'suggestion') shell.emit(what, detail);
    count(what, detail);
  };

  let handle: Handle | null = null;
  let hasConsent = false;
  let drawing = 0;
  let kept: Remembered | null = null;
  // Without its file, a reload is a new beginning, as it is by default.
  const memory = async () => (config.resume ? lazy('resume').then((file) => (kept ??= new file.Remembered(widgetId, chat)), () => null) : null);
  const chat: Chat = new Chat({
    wire,
    messageLength: config.limits.messageLength,
    intervalMs: config.limits.intervalMs,
    page: inside?.page ?? pageOf,
    ...(config.content.htmlAnswers && { enrich }),
    credentials: async () => {
      const given = await takeCredentials(credentials, config.identified);
      // In a frame, the page's ticket is one of two.
      return inside ? { ...given, ticket: await inside.ticket(), page_ticket: given.ticket } : given;
    },
    memory,
    // Many deltas between two frames are one drawing. Hidden tabs get no frames: a timer draws there.
    changed: () => {
      drawing ||= document.hidden ? window.setTimeout(draw, 250) : requestAnimationFrame(draw);
    },
    said,
    isOffline: () => !navigator.onLine,
    whenOnline: (resume) => {
      addEventListener('online', resume);
      return () => removeEventListener('online', resume);
    },
  });
  function draw(): void {
    drawing = 0;
    handle?.redraw();
  }
  const tell = (text: string) => handle?.say(text);
  const agree = (agrees: boolean) => {
    hasConsent = agrees;
    if (agrees) count('open', {});
  };
  const show = () => render(<App shell={shell} scene={{ chat, config, greeting, words, lazy, said, agree, say: tell }} hold={(given) => (handle = given)} />, place);
  const say = (found: Words) => {
    words = found;
    launcher.say(words);
    show();
  };
  say(words);
  let asked = 0;
  let person = personOf(credentials.identity);
  if (config.tickets && credentials.ticket) chat.prepare();
  // Whose conversation it is has to be known first.
  const restore = () => {
    if (!config.identified || credentials.identity) void memory().then((found) => found?.recall());
  };
  restore();

  return {
    open() {
      launcher.show(true);
      handle?.open();
      count('open', {});
    },
    close() {
      // Focus inside the panel would be lost with it; focus elsewhere on the page is not ours to move.
      const inside = root.activeElement;
      launcher.show(false);
      handle?.close();
      if (inside) shell.launcher.focus();
    },
    send: (text) => handle?.send(text),
    clear: () => handle?.clear(),
    identify() {
      const now = personOf(credentials.identity);
      if (now === person) return;
      const isFirst = config.identified && !person && !chat.items.length;
      person = now;
      if (isFirst) restore();
      else handle?.clear();
    },
    async speak() {
      const mine = ++asked;
      const found = await find();
      if (handle && mine === asked) say(found);
    },
    destroy() {
      chat.end();
      render(null, place);
      handle = null;
      place.remove();
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
    },
  };
}
