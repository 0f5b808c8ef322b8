// Entry of frame.js: the gateway's own page, and the panel, which is all that is on it. Who embeds it gives orders, and learns ids and codes.
// First in the file: see src/panel/main.tsx.
import '../markdown/blocks';
import { parseAround, parseGiven, type Around, type Given, type Order, type Report } from '../contract/frame';
import { parseLook } from '../contract/look';
import { record } from '../contract/shapes';
import { fetchFile, filesOf } from '../loader/fetch-file';
import baseCss from '../loader/base.css?inline';
import { node } from '../loader/nodes';
import { wear } from '../loader/theme';
import { kept } from '../panel/kept';
import { mount } from '../panel/main';
import { tickets } from './ticket';

/** Less than the opening of a session has. */
const PATIENCE_MS = 25_000;

const { body } = document;
const gateway = location.origin;
const raw = record(JSON.parse(body.dataset.config!));
const ticket = tickets(body.dataset.ticket!);
// This page's policy lets nobody make HTML of text: trying would be a report.
kept.policy = null;

// The browser lets only listed pages embed this one (frame-ancestors), and its word about which of them does cannot be forged.
addEventListener('message', function greet({ source, origin, data, ports: [port] }: MessageEvent<unknown>) {
  if (source !== parent || parent === self || !port) return;
  removeEventListener('message', greet);
  void run(origin, parseAround(record(data).around), port);
});

/** Puts the panel here, for the page of *origin*, which holds the other end of *port*. */
async function run(origin: string, first: Around, port: MessagePort): Promise<void> {
  const tell = (report: Report) => port.postMessage(report);
  const root = body.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(baseCss);
  root.adoptedStyleSheets = [sheet];
  const frame = node('main', { class: 'ck' });
  root.append(frame);

  const look = parseLook(raw);
  let around = first;
  const take = (now: Around) => {
    around = now;
    body.setAttribute('locale', now.locale);
    wear(frame, look, now.dark);
  };
  take(first);

  // One question for both, however many wait for its answer; what is said to an older one counts no more.
  let number = 0;
  let asked: Promise<Given> | null = null;
  let answer: (given: Given) => void = () => {};
  const tellAsk = () => tell({ is: 'ask', number: ++number });
  const ask = () =>
    (asked ??= new Promise<Given>((resolve) => {
      answer = resolve;
      // A page that says nothing may say something the next time.
      setTimeout(resolve, PATIENCE_MS, { identity: null });
      tellAsk();
    }).finally(() => (asked = null)));

  // Stands for the one on the page, which looks as this one is made to look.
  const launcher = node('button', { 'aria-label': around.launcher });
  const watcher = new MutationObserver(() => tell({ is: 'launcher', name: launcher.getAttribute('aria-label')!, unread: launcher.dataset.unread ?? '' }));
  watcher.observe(launcher, { attributes: true });

  const panel = await mount({
    widgetId: `${raw.widget_id}`,
    look,
    raw,
    gateway,
    // All ends with the page.
    life: new AbortController().signal,
    frame,
    root,
    launcher,
    credentials: {
      async identity() {
        const { identity } = await ask();
        if (identity === null) throw new Error();
        return identity ?? '';
      },
      ticket: () => ask().then(({ ticket }) => ticket ?? ''),
    },
    files: filesOf(gateway),
    fetchFile: (...file) => fetchFile(gateway, ...file),
    // What leads to a conversation stays here: with it, and a visitor's identity, a script of the page could ask for one.
    emit: (name, { conversation_id, message_id, ...detail } = {}) => tell({ is: 'event', name, detail }),
    close: () => tell({ is: 'close' }),
    inside: {
      // Only what lies under the origin that the browser has vouched for.
      page: () => ({ url: around.url.startsWith(`${origin}/`) ? around.url : `${origin}/`, title: around.title }),
      ticket,
      isModal: () => around.modal,
    },
  });
  port.onmessage = ({ data }: MessageEvent<Order>) => {
    if (data.is === 'around') {
      const { locale } = around;
      take(parseAround(data.around));
      if (around.locale !== locale) panel.speak();
    } else if (data.is === 'given') {
      if (data.to === number) answer(parseGiven(data.given));
    } else if (data.is === 'identify') {
      if (asked) tellAsk();
      panel.identify();
    } else if (data.is === 'send') panel.send(`${data.text}`);
    else if (/^(open|close|clear)$/.test(data.is)) panel[data.is]();
  };
  tell({ is: 'ready' });
}
