// Which gateway served this script? Its origin is the only place that the widget ever talks to.

// `currentScript` is gone as soon as the script has run, so it is read here, once.
// Tag managers that inline scripts leave it null; then the tag that names a widget is ours.
export const script = (globalThis.document?.currentScript ??
  globalThis.document?.querySelector('script[data-widget-id]')) as HTMLScriptElement | null;

/** The origin of `url`, of the script by default; empty where there is none. */
export function gatewayOf(url = script?.src): string {
  try {
    return new URL(url!).origin;
  } catch {
    return '';
  }
}
