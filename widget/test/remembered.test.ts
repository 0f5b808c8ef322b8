// Does a conversation outlive its page, once, and only that? Two pages of one tab, against a real server.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Consent } from '../src/contract/config';
import { Remembered } from '../src/resume/main';
import { Chat } from '../src/talk/chat';
import { isRunning, type Exchange } from '../src/talk/exchange';
import { answer, event, hangUp, json, refuse, startGateway, stream, type Gateway, type Reply } from './gateway';

const NAME = 'chatkeep:widget_1';
const HISTORY = 'GET /api/conversations/conv_1/messages?limit=200';
const AT = '2026-01-15T12:00:00Z';

let gateway: Gateway;
let kept: Map<string, string>;
let chats: Chat[];
let handles: number;

/** A page of the tab: a chat of its own, the same storage. */
function open(credentials: () => Promise<object> = async () => ({}), consent: Consent | null = null): { chat: Chat; memory: Remembered; until(wanted: () => boolean): Promise<void> } {
  const watchers: (() => void)[] = [];
  const chat: Chat = new Chat({
    wire: { gateway: gateway.url, widgetId: 'widget_1', silenceMs: 5000 },
    messageLength: 100,
    intervalMs: 0,
    page: () => undefined,
    credentials,
    memory: async () => memory,
    changed: () => watchers.forEach((look) => look()),
    said: () => {},
    backoffMs: [5, 10, 20],
  });
  const memory = new Remembered('widget_1', chat, consent);
  chats.push(chat);
  const until = (wanted: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => wanted() && resolve();
      watchers.push(look);
      look();
    });
  return { chat, memory, until };
}

const exchanges = (chat: Chat): Exchange[] => chat.items.filter((item) => item.kind === 'exchange');
const quiet = (chat: Chat) => !chat.running && exchanges(chat).every((one) => !isRunning(one));
const openings = () => gateway.heard.filter(({ method, path }) => `${method} ${path}` === 'POST /api/sessions');
const question = (id: string, text: string) => ({ message_id: id, role: 'visitor', text, state: 'complete', created_at: AT, reply_to: null, citations: [] });
const reply = (id: string, to: string, text: string, state = 'complete') => ({
  message_id: id,
  role: 'assistant',
  text,
  state,
  created_at: AT,
  reply_to: to,
  citations: [{ index: 1, title: 'Help', url: null, excerpt: 'x' }],
});
const grant: Reply = (response, request) =>
  json(201, { session_token: `token-${++handles}`, expires_in: 900, session_id: 's', conversation_id: 'conv_1', resume: `ckr_${handles}` })(response, request);

beforeEach(async () => {
  gateway = await startGateway();
  kept = new Map();
  chats = [];
  handles = 0;
  vi.stubGlobal('sessionStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  });
  gateway.on('POST /api/sessions', grant);
  gateway.on('POST /api/chat', answer('Good day.'));
  gateway.on(HISTORY, json(200, { messages: [question('msg_q', 'Hello'), reply('msg_1', 'msg_q', 'Good\r\nday [1].')], has_more: false }));
});

afterEach(async () => {
  chats.forEach((chat) => chat.end());
  vi.unstubAllGlobals();
  await gateway.close();
  expect(gateway.faults).toEqual([]);
});

async function talk(page = open()): Promise<ReturnType<typeof open>> {
  page.chat.send('Hello');
  await page.until(() => exchanges(page.chat).length > 0 && quiet(page.chat));
  return page;
}

test('a handle is kept, taken out before it is used, and the conversation is there again', async () => {
  await talk();
  expect([...kept]).toEqual([[NAME, 'ckr_1']]);
  let during: string | undefined = 'not asked';
  gateway.on('POST /api/sessions', (response, request) => {
    during = kept.get(NAME);
    return grant(response, request);
  });
  const { chat, memory, until } = open();
  void memory.recall();
  await until(() => chat.items.length === 1);
  expect(during).toBeUndefined();
  expect(exchanges(chat)[0]).toMatchObject({ question: 'Hello', answer: 'Good\nday [1].', phase: 'done', messageId: 'msg_1', isEarlier: true });
  expect(exchanges(chat)[0]!.sources).toEqual([{ index: 1, title: 'Help', url: '', excerpt: 'x' }]);
  const [first, second] = openings();
  expect(second!.body).toMatchObject({ widget_id: 'widget_1', resume: 'ckr_1' });
  expect(second!.proof!.thumbprint).not.toBe(first!.proof!.thumbprint);
  expect(kept.get(NAME)).toBe('ckr_2');
});

const NOTICE: Consent = { text: 'We store what you write.', link: '', required: true };

test('a conversation that was agreed to goes on without another question, under the same notice only', async () => {
  const first = open(undefined, NOTICE);
  await talk(first);
  const under = (consent: Consent | null) => open(undefined, consent).memory;
  expect(under({ ...NOTICE, text: 'We sell what you write.' }).isThere).toBe(false);
  expect(under({ ...NOTICE, link: 'https://other.example/' }).isThere).toBe(false);
  expect(under(NOTICE).isThere).toBe(true);
  expect(await under(NOTICE).recall()).toBe(true);
});

test('what was said before the owner asked for consent is not gone on with before it is given', async () => {
  await talk();
  expect(open(undefined, NOTICE).memory.isThere).toBe(false);
});

test('what was agreed to and is gone on the gateway opens nothing', async () => {
  await talk(open(undefined, NOTICE));
  gateway.on('POST /api/sessions', refuse(410, 'session_expired'), grant);
  expect(await open(undefined, NOTICE).memory.recall()).toBe(false);
  expect(openings().map(({ body }) => body!.resume)).toEqual([undefined, 'ckr_1']);
  expect(kept.size).toBe(0);
});

test('without a handle nothing is opened before there is a message', () => {
  expect(open().memory.isThere).toBe(false);
  expect(gateway.heard).toEqual([]);
});

test('a handle that is refused is gone, and the message opens a new session', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on('POST /api/sessions', refuse(410, 'session_expired'), grant);
  const { chat } = await talk();
  expect(openings().map(({ body }) => body!.resume)).toEqual(['ckr_old', undefined]);
  expect(exchanges(chat)).toHaveLength(1);
  expect(chat.items).toHaveLength(1);
  expect(kept.get(NAME)).toBe('ckr_1');
});

test.each([
  ['a lost answer', hangUp],
  ['a store that is away', refuse(503, 'service_unavailable')],
])('after %s the same request is sent again, under one idempotency key', async (_, trouble) => {
  kept.set(NAME, 'ckr_old');
  gateway.on('POST /api/sessions', trouble, grant);
  const { chat, memory, until } = open();
  void memory.recall();
  await vi.waitFor(() => expect(openings()).toHaveLength(1));
  expect(kept.size).toBe(0);
  await talk({ chat, memory, until });
  const [first, second] = openings();
  expect(second!.body).toEqual(first!.body);
  expect(second!.key).toBe(first!.key);
  expect(first!.key).not.toBe('');
  expect(second!.proof!.thumbprint).toBe(first!.proof!.thumbprint);
});

test('an identity that was refused leaves the handle for the right one', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on('POST /api/sessions', refuse(401, 'invalid_identity'));
  const { memory } = open();
  void memory.recall();
  await vi.waitFor(() => expect([openings().length, kept.get(NAME)]).toEqual([1, 'ckr_old']));
});

test.each([
  ['a new conversation', (chat: Chat) => chat.clear()],
  ['the end of the widget', (chat: Chat) => chat.end()],
])('%s forgets the handle', async (_, act) => {
  const { chat } = await talk();
  act(chat);
  await vi.waitFor(() => expect(kept.size).toBe(0));
});

test('a gateway that gives no handle any more leaves none behind', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on('POST /api/sessions', json(201, { session_token: 't', conversation_id: 'conv_1', session_id: 's', expires_in: 900 }));
  await talk();
  expect(kept.size).toBe(0);
});

test('each refresh leaves its own handle', async () => {
  gateway.on('POST /api/sessions', json(201, { session_token: 't', conversation_id: 'conv_1', session_id: 's', expires_in: 1, resume: 'ckr_a' }));
  gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'u', expires_in: 900, session_id: 's', resume: 'ckr_b' }));
  const page = await talk();
  page.chat.send('And again');
  await page.until(() => exchanges(page.chat).length === 2 && quiet(page.chat));
  expect(kept.get(NAME)).toBe('ckr_b');
});

test('an answer that was being made is joined from its beginning, and not asked for again', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on(HISTORY, json(200, { messages: [question('msg_q', 'Hello'), reply('msg_1', 'msg_q', 'Go', 'streaming')], has_more: false }));
  gateway.on(
    'GET /api/chat/msg_1/stream',
    stream(event('start', { message_id: 'msg_1', conversation_id: 'conv_1' }, 0), event('delta', { text: 'Good day.' }, 9), event('done', {}, 9)),
  );
  const { chat, memory, until } = open();
  void memory.recall();
  await until(() => chat.items.length === 1 && quiet(chat));
  expect(exchanges(chat)[0]).toMatchObject({ answer: 'Good day.', phase: 'done' });
  expect(gateway.heard.some(({ path }) => path === '/api/chat')).toBe(false);
});

test('an answer that nobody makes any more is not asked for behind the visitor', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on(HISTORY, json(200, { messages: [question('msg_q', 'Hello'), reply('msg_1', 'msg_q', '', 'streaming')], has_more: false }));
  const { chat, memory, until } = open();
  void memory.recall();
  await until(() => chat.items.length === 1 && quiet(chat));
  expect(exchanges(chat)[0]).toMatchObject({ phase: 'failed' });
  expect(gateway.heard.some(({ path }) => path === '/api/chat')).toBe(false);
});

test('a long conversation is read page by page, and what was interrupted says so', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on(HISTORY, json(200, { messages: [question('msg_q2', 'Two'), reply('msg_2', 'msg_q2', 'Hal', 'interrupted')], has_more: true }));
  gateway.on(`${HISTORY}&before=msg_q2`, json(200, { messages: [question('msg_q1', 'One'), reply('msg_1', 'msg_q1', '1')], has_more: false }));
  const { chat, memory, until } = open();
  void memory.recall();
  await until(() => chat.items.length === 2);
  expect(exchanges(chat).map(({ question, answer, phase }) => [question, answer, phase])).toEqual([
    ['One', '1', 'done'],
    ['Two', 'Hal', 'stopped'],
  ]);
});

test('a page that the browser brought back goes on where the tab is, without saying anything twice', async () => {
  const first = await talk();
  const second = open();
  void second.memory.recall();
  await second.until(() => second.chat.items.length === 1);
  gateway.on('POST /api/chat', refuse(401, 'session_revoked'), answer('Again.', undefined, 'msg_2'));
  first.chat.send('Back again');
  await first.until(() => exchanges(first.chat).length === 2 && quiet(first.chat) && !!exchanges(first.chat)[0]!.isEarlier);
  expect(openings().map(({ body }) => body!.resume)).toEqual([undefined, 'ckr_1', 'ckr_2']);
  expect(first.chat.items.map((item) => (item.kind === 'exchange' ? item.question : '--'))).toEqual(['Hello', 'Back again']);
});

test('what is asked while the earlier conversation is still being read is sent after it', async () => {
  kept.set(NAME, 'ckr_old');
  const { chat, memory, until } = open();
  let asked = -1;
  gateway.on('POST /api/chat', answer('Again.', undefined, 'msg_2'));
  gateway.on(HISTORY, async (response, request) => {
    chat.send('And now?');
    // Long enough for a question that does not wait.
    for (let i = 0; i < 50; i++) await fetch(gateway.url);
    asked = gateway.heard.filter(({ path }) => path === '/api/chat').length;
    json(200, { messages: [question('msg_q', 'Hello'), reply('msg_1', 'msg_q', 'Good day.')], has_more: false })(response, request);
  });
  void memory.recall();
  await until(() => exchanges(chat).length === 2 && quiet(chat));
  expect(asked).toBe(0);
  expect(exchanges(chat).map(({ question, answer }) => [question, answer])).toEqual([
    ['Hello', 'Good day.'],
    ['And now?', 'Again.'],
  ]);
});

test('of two answers that were being made, the one that is not joined stays as it is', async () => {
  kept.set(NAME, 'ckr_old');
  const { chat, memory, until } = open();
  gateway.on('POST /api/chat', answer('Again.', undefined, 'msg_2'));
  gateway.on(HISTORY, (response, request) => {
    chat.send('And now?');
    json(200, { messages: [question('msg_q', 'Hello'), reply('msg_1', 'msg_q', 'Half of', 'streaming')], has_more: false })(response, request);
  });
  void memory.recall();
  await until(() => exchanges(chat).length === 2 && quiet(chat));
  expect(exchanges(chat).map(({ answer, phase }) => [answer, phase])).toEqual([
    ['Half of', 'stopped'],
    ['Again.', 'done'],
  ]);
});

test('nonsense in the history is left out, and a history that cannot be read stops nobody', async () => {
  kept.set(NAME, 'ckr_old');
  gateway.on(HISTORY, json(200, { messages: [null, 3, { role: 'visitor' }, { ...question('msg_q', 'x'), created_at: 'never' }], has_more: 'yes' }));
  const page = await talk();
  expect(exchanges(page.chat).map(({ question }) => question)).toEqual(['Hello']);
  gateway.on(HISTORY, refuse(500, 'internal_server_error'));
  const other = open();
  await talk(other);
  expect(exchanges(other.chat).map(({ question }) => question)).toEqual(['Hello']);
});

test('a browser that keeps nothing has an ordinary chat', async () => {
  vi.stubGlobal('sessionStorage', undefined);
  const { chat } = await talk();
  expect(exchanges(chat)[0]).toMatchObject({ phase: 'done', answer: 'Good day.' });
});
