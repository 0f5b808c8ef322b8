// What does the panel say? Every text, in English; a language is another file with the same keys.
//
// Pure data: `{name}` is a place to fill in, and `key.one`, `key.other` … are the plural forms of `key`, one for
// each category of Intl.PluralRules. Times, dates and durations come from Intl and are not in here.

/** What the panel itself says. */
export const en = {
  // The heading, when the owner has set no title.
  title: 'Chat',
  // The launcher, while the chat is closed and while it is open.
  open: 'Open chat',
  close: 'Close chat',
  // Answers that came while the chat was closed; spoken with the launcher's name.
  'unread.one': '{n} new message',
  'unread.other': '{n} new messages',
  // Below the heading, and the name of each answer for screen readers.
  assistant: 'AI assistant',
  // The button that starts over, and the line between two conversations.
  fresh: 'New conversation',
  // After `fresh` on that line: why there is a new one.
  earlier: 'The earlier one has ended',
  // The greeting, when the owner has written none.
  hello: 'How can I help you?',
  // Names for screen readers: the list of suggestions, the messages, a message of the visitor.
  suggestions: 'Suggested questions',
  log: 'Conversation',
  you: 'You',
  // The field: its name and the grey text in it.
  write: 'Write a message',
  placeholder: 'Ask a question…',
  send: 'Send',
  stop: 'Stop answering',
  // States of an answer: stopped by the visitor, connection lost, nothing yet, nothing for long.
  stopped: 'Stopped',
  reconnecting: 'Connecting again…',
  thinking: 'The assistant is writing',
  still: 'Still working on it…',
  cutShort: 'The answer reached its maximum length.',
  // In place of a part that is fetched when it is needed, with `retry` after it.
  partFailed: 'This part could not be loaded.',
  // Scrolls to the end.
  latest: 'Jump to latest',
  // The button for all that concerns the whole conversation.
  menu: 'Menu',
  // Before an earlier question that was asked again in other words: it is folded away.
  changed: 'Changed',
  // Thumbs up and down.
  good: 'Good answer',
  bad: 'Bad answer',
  // Copy buttons: what is seen on each, what is seen afterwards, what screen readers hear.
  copy: 'Copy',
  copied: 'Copied',
  copyAnswer: 'Copy answer',
  copyCode: 'Copy code',
  // Ways out of a problem: the same again, another wording.
  retry: 'Try again',
  edit: 'Change the message',
  // Names of things in an answer.
  code: 'Code',
  table: 'Table',
  image: 'Image',
  sources: 'Sources',
  source: 'Source',
  // Before the id that support asks for.
  reference: 'Reference',
  // The network is gone (the draft is kept), and back.
  offline: 'You are offline. What you write stays here.',
  online: 'Connected again',
  // The counter below the field, near the limit and above it.
  'remaining.one': '{n} character left',
  'remaining.other': '{n} characters left',
  'tooLong.one': '{n} character too many',
  'tooLong.other': '{n} characters too many',
  // The last few messages of the visitor's day.
  'left.one': '{n} message left today',
  'left.other': '{n} messages left today',
  // Countdown of a limit or a block; `{time}` is "0:45", "3 hr 20 min" or "2 days". A short form may end in a dot: not at the end of a sentence.
  wait: 'You can write again in {time}.',
  readyAgain: 'You can write again.',
  // Below the field, when the owner has written none: says that this is an AI.
  disclosure: 'Answers come from an AI and can be wrong.',
  // When a used-up budget is full again; `{when}` is a date and time.
  availableAgain: 'Available again: {when}',
  // By `error` of the envelope, and by our own codes: unreachable, silent, cut, malformed, other; blocked has no end.
  // Whatever else the gateway refuses comes with its own English (enErrors).
  'error.unreachable': 'The chat cannot be reached right now.',
  'error.silent': 'No answer has come for a while.',
  'error.cut': 'The connection was lost in the middle of the answer.',
  'error.malformed': 'The answer could not be read.',
  'error.blocked': 'You cannot write in this chat.',
  'error.service_unavailable': 'The chat is busy at the moment. Your message is kept.',
  'error.session_expired': 'This conversation has ended.',
  'error.other': 'Something went wrong. Your message is kept.',
};

/** What other languages say about errors; in English the gateway's `message` does. By `error` of the envelope. */
export const enErrors = {
  'error.rate_limit_exceeded': 'That was a lot of messages in a short time.',
  'error.temporarily_blocked': 'Sending is paused for a while, because there were too many messages.',
  'error.budget_exhausted': 'The assistant has reached its limit for now. Please come back later.',
  'error.message_too_long': 'This message is too long.',
  'error.message_empty': 'This message is empty.',
  'error.content_filtered': 'This message cannot be sent like this. Please put it in other words.',
  'error.invalid_request': 'This message could not be accepted.',
  'error.domain_not_authorized': 'This chat is not set up for this website.',
  'error.widget_not_found_or_inactive': 'This chat is switched off at the moment.',
  'error.https_required': 'This chat needs a secure (HTTPS) page.',
  'error.processing_error': 'The assistant could not answer. Your message is kept.',
  'error.idempotency_in_progress': 'The answer to this message is still being written.',
  'error.challenge_required': 'A short check is needed before you can go on.',
  'error.invalid_identity': 'Signing in to this chat did not work. Please load the page again.',
};

/** What is said by parts that are loaded when they are needed: they bring their English along, so the panel need not. */
export const enLazy = {
  // In the menu of the conversation: the way out of any question that it asks.
  cancel: 'Cancel',
  freshConfirm: 'Start a new conversation? This one will end.',
  // Transcript; the formats Markdown and JSON are called that everywhere.
  download: 'Download transcript',
  plainText: 'Plain text',
  // Ends the session and deletes the conversation on the server.
  erase: 'End chat and erase',
  eraseConfirm: 'End this chat and erase it? This cannot be undone.',
  erased: 'The chat has ended and was erased.',
  // In its place, when a conversation above the last line on screen could not be erased any more.
  partlyErased: 'The last conversation was erased. Earlier ones could not be erased from here any more.',
  // After a thumb down: an optional comment.
  comment: 'What could be better?',
  sendComment: 'Send feedback',
  thanks: 'Thank you for your feedback.',
  // Before the first message, where the owner asks for consent.
  consent: 'An AI answers here. Your messages are processed and stored for this. Do you agree?',
  accept: 'I agree',
  decline: 'No, thanks',
  declined: 'The chat needs your consent. You can still give it.',
  // Sends a changed question.
  resend: 'Send again',
  // In place of a card number or a password, and the visitor's own way to see it.
  masked: 'Sensitive value, hidden',
  reveal: 'Show',
  hide: 'Hide',
  // After the name of a link, for screen readers.
  newTab: 'opens in a new tab',
  loading: 'Loading…',
};

type All = keyof typeof en | keyof typeof enErrors | keyof typeof enLazy;

/** The texts that count something. */
export type Plural = All extends infer Key ? (Key extends `${infer Name}.other` ? (Name extends 'error' ? never : Name) : never) : never;

type Forms = Partial<Record<`${Plural}.${Intl.LDMLPluralRule}`, string>>;

/** A language says everything, and has its own plural forms. */
export type Language = Readonly<Record<Exclude<All, `${Plural}.${string}`> | `${Plural}.other`, string> & Forms>;

/** What the panel draws with. `name`: the language's file; `lang`: whose numbers, dates and plural rules hold (BCP 47); `more`: the hash of what is said later. */
export type Words = Readonly<typeof en & Partial<typeof enErrors & typeof enLazy> & Forms & { name: string; lang: string; dir: 'ltr' | 'rtl'; more?: string | undefined }>;
