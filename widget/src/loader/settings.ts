// What does the server say about this widget? One plain GET: no custom header, so no preflight.
import { parseLook } from '../contract/look';
import type { Settings } from '../contract/shell';

/** Why the widget does not start: a code of the error envelope, or one of our own. */
export interface NoStart {
  readonly code: string;
  readonly requestId: string;
  /** Seconds until asking again makes sense; NaN where the gateway named none. */
  readonly retryAfter: number;
}

const noStart = (code: unknown, requestId: unknown = '', retryAfter?: unknown): NoStart => ({ code: `${code}`, requestId: `${requestId}`, retryAfter: Number(retryAfter) });

/** Rejects with `NoStart`. */
export async function loadSettings(gateway: string, widgetId: string, signal: AbortSignal): Promise<Settings> {
  if (!/^widget_[\w-]{1,120}$/.test(widgetId)) throw noStart('invalid_widget_id');
  let answer: Response;
  let raw: Record<string, unknown> | null;
  // Around all of it: pages put functions of their own in the place of fetch, and not all of those keep its promises.
  try {
    answer = await fetch(`${gateway}/api/widgets/${widgetId}/config`, { credentials: 'omit', signal });
    raw = (await answer.json().catch(() => null)) as typeof raw;
  } catch {
    throw noStart('unreachable');
  }
  if (!answer.ok || !raw) throw noStart(raw?.error ?? `http_${answer.status}`, raw?.request_id, raw?.retry_after);
  return { widgetId, look: parseLook(raw), raw };
}
