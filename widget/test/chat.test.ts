// What does a visitor's message go through, against a real server? Sessions, refreshes, second chances, stop.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Announcer } from '../src/panel/announcer';
import { Chat } from '../src/talk/chat';
import { isRunning, type Exchange } from '../src/talk/exchange';
import { english } from './english';
import { answer, event, hangUp, json, refuse, startGateway, stream, type Gateway } from './gateway';

let gateway: Gateway;
let chat: Chat;
let said: [string, Record<string, unknown>][];
let watchers: (() => void)[];

function open(more: { silenceMs?: number; intervalMs?: number; url?: string; online?: (resume: () => void) => () => void; known?: Promise<unknown> } = {}): Chat {
  said = [];
  watchers = [];
  return new Chat({
    wire: { gateway: more.url ?? gateway.url, widgetId: 'widget_1', silenceMs: more.silenceMs ?? 5000 },
    messageLength: 20,
    intervalMs: more.intervalMs ?? 0,
    page: () => ({ url: 'https://shop.example/lamps', title: 'Lamps' }),
    changed: () => watchers.forEach((look) => look()),
    said: (what, detail) => said.push([what, detail]),
    backoffMs: [5, 10, 20],
    ...(more.online ? { whenOnline: more.online } : {}),
    settled: () => more.known,
  });
}

/** Resolves when the chat looks as wanted; nothing sleeps. */
const until = (wanted: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => wanted() && resolve();
    watchers.push(look);
    look();
  });

const last = (): Exchange =>
  chat.items.filter((item): item is Exchange => item.kind === 'exchange').at(-1)!;
const settled = (): Promise<void> => until(() => !chat.running && !!last() && !isRunning(last()));
const paths = (): string[] => gateway.heard.map(({ method, path }) => `${method} ${path}`);
const chats = () => gateway.heard.filter(({ path }) => path === '/api/chat');

async function ask(text = 'Hello'): Promise<Exchange> {
  expect(chat.send(text)).toBe(true);
  await settled();
  return last();
}

beforeEach(async () => {
  gateway = await startGateway();
  gateway.on('POST /api/chat', answer('Good day [1].'));
  chat = open();
});

afterEach(async () => {
  chat.end();
  await gateway.close();
  expect(gateway.faults).toEqual([]);
});

describe('a message', () => {
  test('opens a session at the first message only, and is answered', async () => {
    expect(gateway.heard).toEqual([]);
    const exchange = await ask();
    expect(exchange).toMatchObject({ phase: 'done', answer: 'Good day [1].', messageId: 'msg_1', finish: 'stop' });
    expect(exchange.sources).toHaveLength(1);
    expect(chat.left).toBe(3);
    expect(gateway.heard[0]!.body).toEqual({ widget_id: 'widget_1', page: { url: 'https://shop.example/lamps', title: 'Lamps' } });
    expect(chats()[0]).toMatchObject({ token: 'token-1', body: { message: 'Hello', conversation_id: 'conv_1', widget_id: 'widget_1' } });
    await ask('Again');
    expect(paths()).toEqual(['POST /api/sessions', 'POST /api/chat', 'POST /api/chat']);
    expect(chats()[0]!.key).not.toBe(chats()[1]!.key);
  });

  test('events carry ids, never text', async () => {
    await ask();
    expect(said).toEqual([
      ['message', { conversation_id: 'conv_1' }],
      ['answer', { conversation_id: 'conv_1', message_id: 'msg_1', finish_reason: 'stop' }],
    ]);
  });

  test('is not taken when empty, too long, or while another one is answered', async () => {
    expect(chat.send(' \n\0 ')).toBe(false);
    expect(chat.send('x'.repeat(21))).toBe(false);
    expect(chat.send('👋'.repeat(20))).toBe(true);
    expect(chat.send('Second')).toBe(false);
    await settled();
  });

  test('control characters and lone surrogates are not sent', async () => {
    await ask('a\r\nb\0\u0007\ud800');
    expect(chats()[0]!.body!.message).toBe('a\nb\ufffd');
  });

  test('a success that is no stream is none', async () => {
    gateway.on('POST /api/chat', json(200, { success: true, response: 'Hi', message_id: 'm', conversation_id: 'c', citations: [] }));
    expect(await ask()).toMatchObject({ phase: 'failed', trouble: { code: 'malformed' } });
  });
});

test('the answer after "Try again" is announced, however few of its phases were drawn', async () => {
  gateway.on('POST /api/chat', refuse(500, 'processing_error', { message: 'The assistant could not answer.' }), answer('Good day [1].'));
  const heard: string[] = [];
  const voice = new Announcer(() => {});
  voice.say = (text) => void heard.push(text);
  voice.hear(await ask(), english);
  chat.retry(last());
  await settled();
  voice.hear(last(), english);
  expect(heard).toEqual(['The assistant could not answer.', 'Good day.']);
});

describe('while it is not known who the visitor is', () => {
  test('a question waits, and is asked once it is', async () => {
    let name: (person: string) => void = () => {};
    chat = open({ known: new Promise((resolve) => (name = resolve)) });
    chat.send('Hello');
    expect(last().phase).toBe('sending');
    for (let i = 0; i < 50; i++) await fetch(gateway.url);
    expect(paths()).not.toContain('POST /api/sessions');
    name('alice');
    await settled();
    expect(last()).toMatchObject({ phase: 'done', answer: 'Good day [1].' });
  });

  test('a question that waits can be stopped', async () => {
    chat = open({ known: new Promise(() => {}) });
    chat.send('Hello');
    chat.stop();
    expect(last().phase).toBe('stopped');
    expect(chat.running).toBeNull();
  });
});

describe('the session', () => {
  test('is refreshed before a send when the token is about to expire', async () => {
    gateway.on('POST /api/sessions', json(201, { session_token: 'old', expires_in: 20, conversation_id: 'conv_9' }));
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'new', expires_in: 900 }));
    await ask();
    await ask('Again');
    expect(paths()).toEqual(['POST /api/sessions', 'POST /api/chat', 'POST /api/sessions/refresh', 'POST /api/chat']);
    expect(gateway.heard[2]).toMatchObject({ token: 'old', body: null });
    expect(gateway.heard[3]).toMatchObject({ token: 'new', body: { conversation_id: 'conv_9' } });
  });

  test('is refreshed once when the gateway calls the token old', async () => {
    gateway.on('POST /api/chat', refuse(401, 'token_expired'), answer('Hi'));
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'new', expires_in: 900 }));
    expect(await ask()).toMatchObject({ phase: 'done' });
    expect(chats().map(({ token }) => token)).toEqual(['token-1', 'new']);
    expect(chats()[0]!.key).toBe(chats()[1]!.key);
  });

  test.each([
    [410, 'session_expired'],
    [401, 'invalid_session'],
    [401, 'session_revoked'],
  ])('after %i %s a new one is opened and the message goes there, below a line', async (status, code) => {
    await ask('First');
    gateway.on('POST /api/chat', refuse(status, code), answer('Hi again'));
    expect(await ask('Second')).toMatchObject({ phase: 'done', answer: 'Hi again' });
    expect(chat.items.map(({ kind }) => kind)).toEqual(['exchange', 'divider', 'exchange']);
    expect(chats()[1]!.key).toBe(chats()[2]!.key);
    expect(chats()[2]).toMatchObject({ token: 'token-2', body: { conversation_id: 'conv_2' } });
  });

  test('a conversation that the gateway moved on is followed', async () => {
    gateway.on('POST /api/chat', answer('Hi', 'conv_77'));
    await ask();
    await ask('Again');
    expect(chats()[1]!.body).toMatchObject({ conversation_id: 'conv_77' });
  });

  test('a first message needs no line above it', async () => {
    gateway.on('POST /api/chat', refuse(410, 'session_expired'), answer('Hi'));
    await ask();
    expect(chat.items).toHaveLength(1);
  });

  test('a refresh that is refused means a new session', async () => {
    gateway.on('POST /api/chat', refuse(401, 'token_expired'), answer('Hi'));
    gateway.on('POST /api/sessions/refresh', refuse(401, 'invalid_session'));
    expect(await ask()).toMatchObject({ phase: 'done' });
    expect(chats()[1]).toMatchObject({ token: 'token-2' });
  });

  test('is renewed once, not for ever', async () => {
    gateway.on('POST /api/chat', refuse(410, 'session_expired'));
    expect(await ask()).toMatchObject({ phase: 'failed', trouble: { code: 'session_expired' } });
    expect(chats()).toHaveLength(2);
  });

  test('a token that no header can carry is refused, not thrown', async () => {
    gateway.on('POST /api/sessions', json(201, { session_token: 'a\nb', conversation_id: 'c' }));
    expect(await ask()).toMatchObject({ phase: 'failed', trouble: { code: 'malformed' } });
  });

  test('clearing ends it at the gateway and starts empty', async () => {
    await ask();
    const isEnded = gateway.arrival('DELETE /api/sessions/current');
    chat.clear();
    expect(chat.items).toEqual([]);
    await ask('New');
    await isEnded;
    expect(chats()[1]).toMatchObject({ token: 'token-2' });
  });
});

describe('a failure', () => {
  test('connection failures are tried again under the same key, three times', async () => {
    gateway.on('POST /api/chat', hangUp);
    const exchange = await ask();
    expect(exchange).toMatchObject({ phase: 'failed', trouble: { code: 'unreachable' } });
    expect(chats()).toHaveLength(4);
    expect(new Set(chats().map(({ key }) => key)).size).toBe(1);
    gateway.on('POST /api/chat', answer('At last'));
    chat.retry(exchange);
    await settled();
    expect(exchange).toMatchObject({ phase: 'done', answer: 'At last', trouble: null });
    expect(new Set(chats().map(({ key }) => key)).size).toBe(1);
  });

  test('the network coming back ends the wait early', async () => {
    let resume: (() => void) | undefined;
    chat = new Chat({
      wire: { gateway: gateway.url, widgetId: 'widget_1', silenceMs: 5000 },
      messageLength: 20,
      intervalMs: 0,
      page: () => undefined,
      changed: () => watchers.forEach((look) => look()),
      said: () => {},
      backoffMs: [600_000],
      whenOnline: (then) => {
        resume = then;
        return () => {};
      },
    });
    gateway.on('POST /api/chat', hangUp, answer('Back'));
    chat.send('Hello');
    await until(() => last().phase === 'reconnecting');
    resume!();
    await settled();
    expect(last()).toMatchObject({ phase: 'done', answer: 'Back' });
  });

  test('a rate limit locks the composer for as long as it says', async () => {
    gateway.on('POST /api/chat', refuse(429, 'rate_limit_exceeded', { retry_after: 900, limit_type: 'per_hour' }));
    const exchange = await ask();
    expect(exchange.trouble).toMatchObject({ code: 'rate_limit_exceeded', requestId: 'req_1', retryAfter: 900 });
    expect(chat.blocked).toBe(true);
    expect(chat.send('More')).toBe(false);
    chat.blockedUntil = 0;
    gateway.on('POST /api/chat', answer('Now'));
    chat.retry(exchange);
    await settled();
    expect(exchange.phase).toBe('done');
    expect(said.map(([what]) => what)).toEqual(['refused', 'message', 'answer']);
  });

  test('"still being answered" is waited for', async () => {
    gateway.on('POST /api/chat', refuse(409, 'idempotency_in_progress', { retry_after: 0.001 }), answer('Done'));
    expect(await ask()).toMatchObject({ phase: 'done' });
  });

  test('an error event in the middle keeps what was said', async () => {
    gateway.on(
      'POST /api/chat',
      stream(
        event('start', { message_id: 'msg_1' }),
        event('delta', { text: 'Half an ' }),
        event('error', { success: false, error: 'processing_error', request_id: 'req_7' }),
      ),
    );
    expect(await ask()).toMatchObject({ phase: 'failed', answer: 'Half an ', trouble: { code: 'processing_error', requestId: 'req_7' } });
    expect(chats()).toHaveLength(1);
  });

  test('a stream that just ends is a lost connection', async () => {
    gateway.on('POST /api/chat', stream(event('start', { message_id: 'msg_1' }), event('delta', { text: 'Half' })));
    expect(await ask()).toMatchObject({ phase: 'failed', answer: 'Half', trouble: { code: 'cut' } });
  });

  test.each([
    ['not JSON', json(200, '<html>')],
    ['JSON of another kind', json(200, [1, 2])],
    ['a broken event', stream('event: delta\ndata: {"text":\n\n')],
    ['an error page', json(502, '<html>Bad gateway</html>')],
    ['an envelope without sense', json(418, { error: { nested: true }, retry_after: 'soon' })],
  ])('%s becomes an error on screen, never a throw', async (_, reply) => {
    gateway.on('POST /api/chat', reply);
    const exchange = await ask();
    expect(exchange.phase).toBe('failed');
    expect(['malformed', 'service_unavailable']).toContain(exchange.trouble!.code);
  });

  test('silence is an error; pings are not silence', async () => {
    chat = open({ silenceMs: 150 });
    let pings = 0;
    gateway.on('POST /api/chat', (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(event('start', { message_id: 'msg_1' }));
      const timer = setInterval(() => (++pings > 5 ? clearInterval(timer) : response.write(': ping\n\n')), 50);
    });
    expect(await ask()).toMatchObject({ phase: 'failed', trouble: { code: 'silent' } });
    expect(pings).toBeGreaterThan(5);
  });
});

describe('stop', () => {
  test('asks the gateway first, and frees the composer at once', async () => {
    const isStopped = gateway.arrival('DELETE /api/chat/msg_1/stream');
    gateway.on('POST /api/chat', (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(event('start', { message_id: 'msg_1' }) + event('delta', { text: 'Once upon' }));
    });
    chat.send('Hello');
    await until(() => last().answer === 'Once upon');
    chat.stop();
    expect(last()).toMatchObject({ phase: 'stopped', answer: 'Once upon' });
    expect(chat.running).toBe(null);
    gateway.on('POST /api/chat', answer('Next'));
    await ask('Next');
    await isStopped;
    expect(last().answer).toBe('Next');
  });

  test('before the answer has begun there is nothing to tell', async () => {
    gateway.on('POST /api/chat', () => {});
    chat.send('Hello');
    await until(() => chats().length > 0 || last().phase === 'sending');
    chat.stop();
    expect(last().phase).toBe('stopped');
    expect(chat.running).toBe(null);
  });
});

test('a message waits for the interval that the gateway asks for, and shows as being sent', async () => {
  chat = open({ intervalMs: 600_000 });
  await ask('One');
  chat.send('Two');
  // A round trip to the gateway: a message that did not wait would have arrived by then.
  await fetch(`${gateway.url}/ping`);
  expect(chats()).toHaveLength(1);
  expect(last()).toMatchObject({ question: 'Two', phase: 'sending' });
  chat.stop();
  expect(last().phase).toBe('stopped');
});
