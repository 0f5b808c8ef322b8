// Entry of frame-host.js: on the page, a frame of the gateway stands where the panel would be, and does what a panel does.
import type { Around, Order, Report } from '../contract/frame';
import type { Panel, Shell } from '../contract/shell';
import { take } from '../talk/credentials';
import { FULL_SCREEN, isModal } from '../panel/focus';
import { pageOf } from '../panel/page';
import { followKeyboard } from '../panel/viewport';
import { wanted } from '../words/wanted';
import placeCss from '../panel/place.css?inline';
import hostCss from './host.css?inline';

/** Longer than a slow phone needs for two files. */
const PATIENCE_MS = 15_000;
const SANDBOX = 'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads';

/** Rejects when there is no frame: forbidden by the page's policy, not allowed for this page, or out of reach. */
export async function mount({ raw, root, frame, launcher, credentials, life, emit, close }: Shell): Promise<Panel> {
  const url = new URL(`${raw.frame_url}`);
  // As the loader judges the gateway, which need not be the same origin.
  if (!/^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1])[:/])/.test(url.href)) throw new Error(url.href);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(placeCss + hostCss);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const box = Object.assign(document.createElement('iframe'), { className: 'panel', title: `${raw.title}`, sandbox: SANDBOX, allow: 'clipboard-write', src: url.href });
  let port: MessagePort | undefined;
  const ended = new AbortController();
  const { signal } = ended;

  const name = launcher.getAttribute('aria-label')!;
  let opener: HTMLElement | null = null;
  const tell = (order: Order) => port?.postMessage(order);
  const around = (): Around => ({
    ...(pageOf() ?? { url: '', title: '' }),
    launcher: name,
    locale: wanted(root.host as HTMLElement, `${raw.locale}`)[0] ?? '',
    dark: frame.style.getPropertyValue('--scheme') === 'dark',
    modal: isModal(),
  });
  const tellAround = () => tell({ is: 'around', around: around() });
  followKeyboard(box, signal);
  matchMedia(FULL_SCREEN).addEventListener('change', tellAround, { signal });
  // Light or dark, by the system or by the page.
  const dressed = new MutationObserver(tellAround);
  dressed.observe(frame, { attributes: true, attributeFilter: ['style'] });

  // A session opens: on the page as it is now. Whatever is not there, the gateway says what follows from that.
  const give = (to: number) => {
    tellAround();
    const [identity, ticket] = [credentials.identity, credentials.ticket].map((one) => take(one).catch(() => null));
    void (async () => tell({ is: 'given', given: { identity: await identity!, ticket: await ticket! }, to }))();
  };

  const show = (open: boolean) => {
    frame.classList.toggle('open', open);
    box.classList.toggle('shown', open);
    launcher.setAttribute('aria-expanded', `${open}`);
  };
  const panel: Panel = {
    open() {
      if (root.activeElement !== box) opener = document.activeElement as HTMLElement | null;
      show(true);
      // First the frame, then what is in it: a frame cannot take the focus by itself.
      box.focus();
      tell({ is: 'open' });
    },
    close() {
      const inside = root.activeElement === box;
      show(false);
      tell({ is: 'close' });
      if (!inside) return;
      launcher.focus();
      // Where it was before, if that can take it.
      opener?.focus();
    },
    send: (text) => tell({ is: 'send', text }),
    clear: () => tell({ is: 'clear' }),
    identify: () => tell({ is: 'identify' }),
    speak: tellAround,
    destroy() {
      ended.abort();
      dressed.disconnect();
      port?.close();
      box.remove();
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== sheet);
    },
  };

  try {
    await new Promise<void>((resolve, reject) => {
      const hear = ({ data }: MessageEvent<Report>) => {
        switch (data.is) {
          case 'ready':
            // After a move: what was shown is shown again.
            if (credentials.isCleared) tell({ is: 'clear' });
            credentials.isCleared = false;
            if (box.classList.contains('shown')) tell({ is: 'open' });
            return resolve();
          case 'close':
            return close();
          case 'event':
            return emit(data.name, data.detail);
          case 'launcher':
            launcher.setAttribute('aria-label', data.name);
            if (data.unread) launcher.dataset.unread = data.unread;
            else delete launcher.dataset.unread;
            return;
          case 'ask':
            return give(data.number);
        }
      };
      // Again when the page moves the element: browsers load a frame anew then, and nothing of it stays.
      box.onload = () => {
        port?.close();
        const { port1, port2 } = new MessageChannel();
        port = port1;
        port.onmessage = hear;
        // Only a document of exactly that origin gets the port; another one gets nothing.
        box.contentWindow?.postMessage({ around: around() }, url.origin, [port2]);
      };
      const late = setTimeout(reject, PATIENCE_MS);
      signal.addEventListener('abort', () => clearTimeout(late));
      life.addEventListener('abort', reject, { signal });
      const forbidden = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) =>
        effectiveDirective === 'frame-src' && blockedURI.startsWith(url.origin) && reject();
      document.addEventListener('securitypolicyviolation', forbidden, { signal });
      frame.prepend(box);
    });
  } catch (problem) {
    panel.destroy();
    throw problem ?? life.reason;
  }
  return panel;
}
