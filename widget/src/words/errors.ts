// What is said about a problem? By `error` of the envelope, or by a code of our own.
import { sessionIsGone } from '../talk/trouble';
import type { Words } from './en';

/** Codes that mean the same to a visitor. */
const SAME: Readonly<Record<string, string>> = {
  payload_too_large: 'message_too_long',
  insufficient_storage: 'service_unavailable',
  invalid_conversation_id: 'session_expired',
  not_found: 'session_expired',
};

/** `message`: what the gateway says about it, in English. */
export const errorText = (code: string, words: Words, message = ''): string =>
  (words as Readonly<Record<string, string>>)[`error.${sessionIsGone({ code }) ? 'session_expired' : (SAME[code] ?? code)}`] ?? (message || words['error.other']);
