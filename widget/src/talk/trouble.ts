// What can go wrong with a request? One shape for refusals of the gateway and for what the network does.

export interface Trouble {
  /** `error` of the envelope, or one of ours: unreachable, silent, cut, malformed; blocked is a block without an end. */
  readonly code: string;
  readonly status: number;
  /** What the gateway says about it, in English; may be empty. */
  readonly message: string;
  readonly requestId: string;
  /** When a budget is full again (`Date.now()` scale); NaN when not told. */
  readonly resetAt: number;
  /** Seconds until asking again makes sense; 0 when the gateway named none. */
  readonly retryAfter: number;
  readonly limitType: string;
  readonly action: '' | 'new_session' | 'new_conversation';
  /** The answer that this message already has. */
  readonly messageId: string;
  /** The gateway's clock, seconds since 1970; NaN when not told. */
  readonly serverTime: number;
}

export class Failed extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.code);
  }
}

export const trouble = (code: string, more: Partial<Trouble> = {}): Trouble => ({
  status: 0,
  message: '',
  requestId: '',
  resetAt: NaN,
  retryAfter: 0,
  limitType: '',
  action: '',
  messageId: '',
  serverTime: NaN,
  ...more,
  code,
});

/** The session is over for good, or was opened without a key where one is needed: only a new one helps. */
export const sessionIsGone = ({ code }: Pick<Trouble, 'code'>): boolean =>
  ['session_expired', 'invalid_session', 'session_revoked', 'session_required', 'proof_required'].includes(code);

/** Nothing is wrong but the way to the gateway. An answer that can be joined is also worth asking for after silence or a restart. */
export const isLost = ({ code, status }: Trouble, joinable: boolean): boolean =>
  code === 'unreachable' || code === 'cut' || (joinable && (code === 'silent' || (code === 'service_unavailable' && status > 0)));

/** Sending the same text again would be refused again. */
export const textIsRefused = ({ code }: Trouble): boolean =>
  ['message_too_long', 'message_empty', 'content_filtered', 'invalid_request', 'payload_too_large'].includes(code);

/** No message of this visitor is taken any more, whatever they do: for good, or until the owner goes on with a paused widget. */
export const isFinal = ({ code }: Trouble): boolean =>
  ['domain_not_authorized', 'https_required', 'invalid_widget_id', 'blocked', 'widget_not_found_or_inactive'].includes(code);

/** Nothing is wrong: it was enough for now. */
export const isLimit = ({ code }: Trouble): boolean => /^(rate_limit|temporarily|budget)_/.test(code);
