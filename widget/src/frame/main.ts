// Entry of frame.js: the gateway's own page, with nothing in it but the panel. Who embeds it gives orders, and learns ids and codes.
import { parseAround, parseGiven, type Around, type Given, type Order, type Report } from '../contract/frame';
import { parseLook, record, type Look } from '../contract/look';
import type { PanelModule } from '../contract/shell';
import { fetchFile } from '../loader/fetch-file';
import loaderCss from '../loader/loader.css?inline';
import { node } from '../loader/nodes';
import { dress } from '../loader/theme';
import frameCss from './frame.css?inline';
import { tickets } from './ticket';

const { body } = document;
const gateway = location.origin;
const raw = record(JSON.parse(body.dataset.config!));
const ticket = tickets(body.dataset.ticket!);

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
  sheet.replaceSync(loaderCss + frameCss);
  root.adoptedStyleSheets = [sheet];
  const frame = node('div', { class: 'ck framed' });
  root.append(frame);

  let around = first;
  let dressed = new AbortController();
  const dressAgain = (): Look => {
    dressed.abort();
    dressed = new AbortController();
    body.setAttribute('scheme', around.dark ? 'dark' : 'light');
    body.setAttribute('locale', around.locale);
    const look = parseLook(raw);
    dress(frame, body, look, dressed.signal);
    return look;
  };
  const look = dressAgain();

  // One question for both, however many wait for its answer.
  let asked: Promise<Given> | null = null;
  let answer: (given: Given) => void = () => {};
  const ask = () =>
    (asked ??= new Promise<Given>((resolve) => {
      answer = resolve;
      tell({ is: 'ask' });
    }).finally(() => (asked = null)));

  // Stands for the one on the page, which looks as this one is made to look.
  const launcher = node('button', { 'aria-label': around.launcher });
  const watcher = new MutationObserver(() => tell({ is: 'launcher', name: launcher.getAttribute('aria-label')!, unread: launcher.dataset.unread ?? '' }));
  watcher.observe(launcher, { attributes: true });

  const module = await fetchFile<PanelModule>(gateway, 'panel.js', __PANEL_INTEGRITY__, 0);
  const panel = await module.mount({
    widgetId: `${raw.widget_id}`,
    look,
    raw,
    gateway,
    // All ends with the page.
    life: new AbortController().signal,
    frame,
    root,
    launcher,
    credentials: { identity: () => ask().then(({ identity = '' }) => identity), ticket: () => ask().then(({ ticket = '' }) => ticket) },
    fetchFile: (...file) => fetchFile(gateway, ...file),
    emit: (name, detail = {}) => tell({ is: 'event', name, detail }),
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
      const before = around.locale;
      around = parseAround(data.around);
      dressAgain();
      if (around.locale !== before) panel.speak();
    } else if (data.is === 'given') answer(parseGiven(data.given));
    else if (data.is === 'send') panel.send(`${data.text}`);
    else if (/^(open|close|clear)$/.test(data.is)) panel[data.is]();
  };
  tell({ is: 'ready' });
}
