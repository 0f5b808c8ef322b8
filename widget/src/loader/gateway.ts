// Which gateway served this script? Its origin is the only place that the widget ever talks to.

// `currentScript` is gone as soon as the script has run, so it is read here, once. It is null where tag managers inline
// scripts, and no script where the page holds `<img name=currentScript src=https://evil.example>`, which must not become
// our gateway; then the tag that names a widget is ours.
const { currentScript } = globalThis.document ?? {};
export const script =
  currentScript && currentScript instanceof HTMLScriptElement
    ? currentScript
    : globalThis.document?.querySelector<HTMLScriptElement>('script[data-widget-id]');

/** The origin of `url`, of the script by default; empty where there is none. */
export function gatewayOf(url = script?.src): string {
  try {
    return new URL(url!).origin;
  } catch {
    return '';
  }
}
