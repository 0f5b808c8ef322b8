// Entry of panel.js: build the chat, draw it into the loader's frame, and take it all away again.
import { h, render } from 'preact';
import { parseConfig } from '../contract/config';
import type { Panel, Shell } from '../contract/shell';
import { Chat } from '../talk/chat';
import { en } from '../words/en';
import { App, type Handle } from './app';
import { LauncherState } from './launcher';
import { pageOf } from './page';
import composerCss from './composer.css?inline';
import panelCss from './panel.css?inline';
import textCss from './text.css?inline';
import timelineCss from './timeline.css?inline';

/** Longer than two pings of the gateway (15 s): silence means that the connection is dead. */
const SILENCE_MS = 30_000;

export function mount(shell: Shell): Panel {
  const { root, frame, gateway, widgetId } = shell;
  const launcher = new LauncherState(shell.launcher, frame, en);
  const config = parseConfig(shell.raw, shell.look);
  const sheet = new CSSStyleSheet();
  // What holds for small screens and forced colours stands last (panel.css).
  sheet.replaceSync(timelineCss + textCss + composerCss + panelCss);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const place = document.createElement('div');
  frame.prepend(place);

  let handle: Handle | null = null;
  let drawing = 0;
  const chat = new Chat({
    wire: { gateway, widgetId, silenceMs: SILENCE_MS, tokenless: config.tokenless },
    messageLength: config.limits.messageLength,
    intervalMs: config.limits.intervalMs,
    page: pageOf,
    // Many deltas between two frames are one drawing. Hidden tabs get no frames: a timer draws there.
    changed: () => {
      drawing ||= document.hidden ? window.setTimeout(draw, 250) : requestAnimationFrame(draw);
    },
    said: (what, detail) => {
      if (what === 'answer') launcher.unread();
      shell.emit(what, detail);
    },
    whenOnline: (resume) => {
      addEventListener('online', resume);
      return () => removeEventListener('online', resume);
    },
  });
  function draw(): void {
    drawing = 0;
    handle?.redraw();
  }
  render(<App chat={chat} shell={shell} config={config} words={en} hold={(given) => (handle = given)} />, place);

  return {
    open() {
      launcher.show(true);
      handle?.open();
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
    destroy() {
      chat.end();
      render(null, place);
      handle = null;
      place.remove();
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((s) => s !== sheet);
    },
  };
}
