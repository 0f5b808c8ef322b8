// Is what the gateway sent of the promised shape? Nothing unchecked goes further; nothing here throws but `Failed`.
import { list, record } from '../contract/shapes';
import { calm } from '../markdown/entities';
import { Failed, trouble, type Trouble } from './trouble';

export interface Source {
  readonly index: number;
  readonly title: string;
  readonly url: string;
  readonly excerpt: string;
}

export interface Grant {
  readonly token: string;
  readonly lifeMs: number;
  readonly conversationId: string;
  readonly serverTime: number;
  /** Leads back to this session once, after the page was loaded anew; empty where the widget has no such feature. */
  readonly resume: string;
}

export interface Ending {
  readonly reason: string;
  readonly suggestions: readonly string[];
  /** Messages left today; -1 when the gateway does not say. */
  readonly left: number;
}

const str = (value: unknown, max = 200): string => (typeof value === 'string' ? value.slice(0, max) : '');
const num = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : NaN);

/** JSON or null. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** A new session, or a refreshed one (which may leave out the conversation). */
export function parseGrant(raw: unknown, conversationId = ''): Grant {
  const given = record(raw);
  const token = str(given.session_token, 8192);
  const conversation = str(given.conversation_id) || conversationId;
  // A header cannot carry anything else; fetch would throw on it.
  if (!/^[\x21-\x7e]+$/.test(token) || !conversation) throw new Failed(trouble('malformed'));
  const seconds = num(given.expires_in);
  return { token, conversationId: conversation, lifeMs: (seconds > 0 ? seconds : 900) * 1000, serverTime: num(given.server_time), resume: str(given.resume) };
}

/** The error envelope; a body that is none still becomes a trouble. */
export function parseEnvelope(raw: unknown, status: number, retryHeader = ''): Trouble {
  const given = record(raw);
  const seconds = num(given.retry_after) || Number(retryHeader);
  const action = str(given.action);
  const code = /^[a-z][a-z0-9_]{1,60}$/.test(str(given.error)) ? str(given.error) : fallbackCode(status);
  const forever = code === 'temporarily_blocked' && given.block_expires_at === null;
  return trouble(forever ? 'blocked' : code, {
    status,
    // How long is counted down beside it.
    message: str(given.message, 300).replace(/ ?\btry again in \d.*$/i, ''),
    requestId: str(given.request_id, 80),
    resetAt: Date.parse(str(record(given.usage).reset_at)),
    retryAfter: seconds > 0 && !forever ? Math.min(Math.ceil(seconds), 31 * 86_400) : 0,
    limitType: str(given.limit_type, 40),
    action: action === 'new_session' || action === 'new_conversation' ? action : '',
    messageId: str(given.message_id),
    serverTime: num(given.server_time),
  });
}

function fallbackCode(status: number): string {
  if (status === 429) return 'rate_limit_exceeded';
  return status === 502 || status === 503 || status === 504 ? 'service_unavailable' : 'malformed';
}

export function parseSources(raw: unknown): Source[] {
  const seen = new Set<number>();
  return list(raw).slice(0, 50).flatMap((item) => {
    const { index, title, url, excerpt } = record(item);
    const number = num(index);
    if (!Number.isInteger(number) || number < 1 || number > 99 || seen.has(number)) return [];
    seen.add(number);
    return [{ index: number, title: calm(str(title)), url: str(url, 2000), excerpt: calm(str(excerpt, 600)) }];
  });
}

/** One message of a history. */
export interface Said {
  readonly id: string;
  readonly isQuestion: boolean;
  readonly replyTo: string;
  readonly text: string;
  readonly state: string;
  readonly at: Date;
  readonly sources: readonly Source[];
}

/** A page of what was said, the oldest first; what is not of the promised shape is left out. */
export function parseHistory(raw: unknown): { messages: Said[]; more: boolean } {
  const given = record(raw);
  const messages = list(given.messages).flatMap((item) => {
    const { message_id, role, reply_to, text, state, created_at, citations } = record(item);
    const id = str(message_id);
    const at = new Date(str(created_at));
    if (!id || Number.isNaN(at.getTime())) return [];
    // CR never matters in Markdown (grow).
    const said = str(text, Infinity).replaceAll('\r', '');
    return [{ id, isQuestion: role === 'visitor', replyTo: str(reply_to), text: said, state: str(state), at, sources: parseSources(citations) }];
  });
  return { messages, more: given.has_more === true };
}

export const parseStart = (raw: unknown): { messageId: string; conversationId: string; isHtml: boolean } => ({
  messageId: str(record(raw).message_id),
  conversationId: str(record(raw).conversation_id),
  isHtml: record(raw).format === 'html',
});

/** Never shortened: its length says where it belongs. The event reader has bounded it. */
export const parseDelta = (raw: unknown): string => str(record(raw).text, Infinity);

export function parseEnding(raw: unknown): Ending {
  const given = record(raw);
  const left = num(record(given.usage).messages_remaining_today);
  return {
    reason: str(given.finish_reason, 40) || 'stop',
    suggestions: list(given.suggestions).map((s) => calm(str(s)).trim()).filter(Boolean).slice(0, 3),
    left: left >= 0 ? left : -1,
  };
}
