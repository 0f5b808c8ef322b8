// Entry of panel.js: build the chat, draw it into the loader's frame, and take it all away again.
// First in the file, for it is least like the rest: gzip looks back 32 kB, and so finds 300 bytes more.
import '../markdown/blocks';
import { h, render } from 'preact';
import { parseConfig } from '../contract/config';
import { record } from '../contract/shapes';
import type { Panel, Shell } from '../contract/shell';
import { Chat } from '../talk/chat';
import { Visitor } from '../talk/visitor';
import { addLater, wordsFor } from '../words/choose';
import { dataFrom } from '../words/fetch';
import { wanted } from '../words/wanted';
import { report } from '../report/report';
import type { Remembered } from '../resume/main';
import type { Words } from '../words/en';
import { App, type Handle } from './app';
import { LauncherState } from './launcher';
import { lazyFiles, type Lazy } from './lazy';
import { pageOf } from './page';
import { enricher } from './rich';
import type { Scene } from './scene';
import frameCss from '../frame/frame.css?inline';
import composerCss from './composer.css?inline';
import panelCss from './panel.css?inline';
import placeCss from './place.css?inline';
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
  const fetchData = dataFrom(shell.files);
  const find = () => wordsFor(wanted(root.host as HTMLElement, config.locale), record(record(shell.raw).features).texts, fetchData);
  let words = await find();
  const files = lazyFiles(shell.fetchFile, adopt);
  // With `more` comes what it says.
  let usesMore = false;
  const lazy: Lazy = async (name) => {
    usesMore ||= name === 'more';
    return (await Promise.all([files(name), name === 'more' && addLater(words, fetchData)]))[0];
  };
  const enrich = enricher(lazy, config.content.imageHosts, () => words);
  const greeting = config.content.htmlGreeting ? (await enrich(config.greeting)).drawn : config.greeting;
  shell.life.throwIfAborted();
  const launcher = new LauncherState(shell.launcher, frame, shell.look.launcher.name);
  // What holds for small screens and forced colours stands last (panel.css).
  adopt(timelineCss + textCss + composerCss + panelCss + (__FRAMED__ ? frameCss : placeCss));
  const place = document.createElement('div');
  frame.prepend(place);

  const wire = { gateway, widgetId, silenceMs: SILENCE_MS, tokenless: config.tokenless };
  // Who does not want to be counted, or was not asked yet, costs no request either. A frame has no origin that is listed.
  const isSilent = __FRAMED__ || !config.analytics || navigator.doNotTrack === '1' || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
  const count: Scene['said'] = (what, detail) => {
    const at = new Date().toISOString();
    if (!isSilent && (!config.consent || hasConsent)) report(wire, { what, at, detail }, shell.life);
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
  const memory = async () => (config.resume ? lazy('resume').then((file) => (kept ??= new file.Remembered(widgetId, chat, config.consent)), () => null) : null);
  const chat: Chat = new Chat({
    wire,
    messageLength: config.limits.messageLength,
    intervalMs: config.limits.intervalMs,
    page: __FRAMED__ ? inside!.page : pageOf,
    ...(config.content.htmlAnswers && { enrich }),
    credentials: async () => {
      const given = await visitor.take();
      // In a frame, the page's ticket is one of two.
      return __FRAMED__ ? { ...given, ticket: await inside!.ticket(), page_ticket: given.ticket } : given;
    },
    memory,
    settled: () => Promise.all([visitor.settled, recalled]),
    // Many deltas between two frames are one drawing. Hidden tabs get no frames: a timer draws there.
    changed: () => {
      drawing ||= document.hidden ? window.setTimeout(draw, 250) : requestAnimationFrame(draw);
    },
    said,
    explain: async ({ status }) => void (status && (await addLater(words, fetchData))),
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
  const needsConsent = config.consent?.required;
  // What the page gave for a session may not live until the first message. Without the consent that is needed, nothing is sent.
  const prepare = () => {
    if (config.tickets && credentials.ticket && (hasConsent || !needsConsent)) chat.prepare();
  };
  const agree = (agrees: boolean) => {
    hasConsent = agrees;
    if (!agrees) return;
    count('open', {});
    prepare();
  };
  const show = () => render(<App shell={shell} scene={{ chat, config, greeting, words, lazy, said, agree, say: tell }} hold={(given) => (handle = given)} />, place);
  const say = (found: Words) => {
    words = found;
    launcher.say(words);
    show();
  };
  say(words);
  let asked = 0;
  let opener: HTMLElement | null = null;
  let recalled: Promise<boolean> | undefined;
  // Whose conversation it is has to be known first.
  const restore = async () => {
    if (credentials.isCleared) {
      credentials.isCleared = false;
      return (await memory())?.keep('');
    }
    const remembered = config.identified && !credentials.identity ? null : await memory();
    if (!remembered?.isThere) return;
    // What is gone on with was agreed to, if the gateway still knows it.
    if (needsConsent) agreed(true);
    if (!(await (recalled = remembered.recall())) && needsConsent && hasConsent) agreed(false);
  };
  const agreed = (is: boolean) => {
    hasConsent = is;
    handle?.agreed(is);
  };
  const visitor = new Visitor(credentials, config.identified, chat, () => void (chat.items.length || restore()), (question) => handle?.clear(question));
  // Where no session tells a frame who is there.
  if (!config.identified) visitor.learn();
  void restore();
  prepare();

  return {
    open() {
      opener = document.activeElement as HTMLElement | null;
      launcher.show(true);
      handle?.open();
      count('open', {});
    },
    close() {
      // Focus inside the panel would be lost with it; focus elsewhere on the page is not ours to move.
      const inside = root.activeElement;
      launcher.show(false);
      handle?.close();
      if (!inside) return;
      shell.launcher.focus();
      // Where it was before, if that can take it.
      opener?.focus();
    },
    send: (text) => handle?.send(text),
    clear: () => handle?.clear(),
    identify: () => visitor.identify(),
    async speak() {
      const mine = ++asked;
      const found = await find();
      if (usesMore) await addLater(found, fetchData);
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
