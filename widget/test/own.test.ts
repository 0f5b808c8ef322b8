// What can a visitor do with what was said, against a real server? Ask anew, rate, take away, erase; and when is nothing taken.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { erase, rate } from '../src/more/own';
import type { Scene } from '../src/panel/scene';
import { answer, hangUp, json, refuse, startGateway, type Gateway } from './gateway';
import { Visitor } from './visitor';

let gateway: Gateway;
let visitor: Visitor;

const sceneOf = ({ chat }: Visitor): Scene & { heard: unknown[] } => {
  const heard: unknown[] = [];
  return { chat, heard, said: (...what: unknown[]) => heard.push(what) } as unknown as Scene & { heard: unknown[] };
};
const paths = (): string[] => gateway.heard.map(({ method, path }) => `${method} ${path}`);

beforeEach(async () => {
  gateway = await startGateway();
  gateway.on('POST /api/chat', answer('Good day.'));
  visitor = new Visitor(gateway);
});

afterEach(async () => {
  visitor.chat.end();
  await gateway.close();
  expect(gateway.faults).toEqual([]);
});

describe('asked anew', () => {
  test('the question is another message, and the old exchange is folded away', async () => {
    const first = await visitor.ask('One');
    visitor.chat.resend(first, 'Two');
    const second = await visitor.settled();
    expect([first.isFolded, second.isFolded, second.question]).toEqual([true, false, 'Two']);
    expect(second.key).not.toBe(first.key);
  });

  test('nothing is folded away for a question that is not taken', async () => {
    const first = await visitor.ask('One');
    visitor.chat.resend(first, ' ');
    expect(first.isFolded).toBe(false);
    expect(visitor.chat.items).toHaveLength(1);
  });
});

describe('a rating', () => {
  const ROUTE = 'POST /api/messages/msg_1/feedback';

  test('reaches the gateway with its proof, and the page hears of it', async () => {
    gateway.on(ROUTE, json(200, { success: true }));
    const exchange = await visitor.ask();
    const scene = sceneOf(visitor);
    await rate(scene, exchange, 'down', 'Too short.');
    expect(exchange.rating).toBe('down');
    expect(gateway.heard.at(-1)).toMatchObject({ token: 'token-1', body: { rating: 'down', comment: 'Too short.' } });
    expect(gateway.heard.at(-1)!.proof).not.toBeNull();
    expect(scene.heard).toEqual([['feedback', { message_id: 'msg_1', rating: 'down' }]]);
  });

  test('that is not taken gives way to the one before', async () => {
    gateway.on(ROUTE, json(200, { success: true }), hangUp);
    const exchange = await visitor.ask();
    const scene = sceneOf(visitor);
    await rate(scene, exchange, 'up', '');
    await expect(rate(scene, exchange, 'down', '')).rejects.toThrow('unreachable');
    expect(exchange.rating).toBe('up');
    expect(scene.heard).toHaveLength(1);
  });

  test('is given again with a new token when the old one is too old', async () => {
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'new', expires_in: 900 }));
    gateway.on(ROUTE, refuse(401, 'token_expired'), json(200, { success: true }));
    await rate(sceneOf(visitor), await visitor.ask(), 'up', '');
    expect(paths().slice(-3)).toEqual([ROUTE, 'POST /api/sessions/refresh', ROUTE]);
  });
});

describe('erasing', () => {
  const ROUTE = 'DELETE /api/conversations/conv_1';

  test('asks the gateway; what is gone already is erased', async () => {
    gateway.on(ROUTE, json(200, {}), refuse(404, 'not_found'));
    await visitor.ask();
    await erase(visitor.chat);
    await erase(visitor.chat);
    expect(paths().filter((path) => path === ROUTE)).toHaveLength(2);
  });

  test.each([
    [refuse(503, 'service_unavailable'), 'service_unavailable'],
    [hangUp, 'unreachable'],
  ])('that fails says so', async (reply, code) => {
    gateway.on(ROUTE, reply);
    await visitor.ask();
    await expect(erase(visitor.chat)).rejects.toThrow(code);
  });

  test('nothing is asked for what an ended session has left', async () => {
    await visitor.ask();
    visitor.chat.end();
    await expect(erase(visitor.chat)).rejects.toThrow('session_expired');
    expect(paths()).not.toContain(ROUTE);
  });
});

describe('nothing is taken any more', () => {
  test('after a block without an end, and there is nothing to wait for', async () => {
    gateway.on('POST /api/chat', refuse(429, 'temporarily_blocked', { retry_after: 86_400, block_expires_at: null }));
    const exchange = await visitor.ask();
    expect(exchange.trouble).toMatchObject({ code: 'blocked', retryAfter: 0 });
    expect([visitor.chat.isShut, visitor.chat.blocked, visitor.chat.send('Hello?')]).toEqual([true, false, false]);
  });

  test('while the widget is paused; asking the same again finds out whether it goes on', async () => {
    gateway.on('POST /api/chat', refuse(404, 'widget_not_found_or_inactive'), answer('Back.'));
    await visitor.ask();
    expect([visitor.chat.isShut, visitor.chat.send('Hello?')]).toEqual([true, false]);
    expect(await visitor.retry()).toMatchObject({ phase: 'done', answer: 'Back.' });
    expect(visitor.chat.isShut).toBe(false);
  });

  test('when a used-up budget is full again is told', async () => {
    const usage = { messages_remaining_today: 0, reset_at: '2030-01-16T00:00:00Z' };
    gateway.on('POST /api/chat', refuse(429, 'budget_exhausted', { retry_after: 60, usage }));
    expect((await visitor.ask()).trouble).toMatchObject({ code: 'budget_exhausted', resetAt: Date.UTC(2030, 0, 16), retryAfter: 60 });
    expect(visitor.chat.blocked).toBe(true);
  });
});

test('without a network it is not tried again before there is one, however long that takes', async () => {
  let back = () => {};
  let offline = true;
  visitor = new Visitor(gateway, {
    backoffMs: [0],
    isOffline: () => offline,
    whenOnline: (resume) => {
      back = resume;
      return () => {};
    },
  });
  gateway.on('POST /api/chat', hangUp, hangUp, answer('Good day.'));
  visitor.chat.send('Hello');
  await visitor.until(() => visitor.last?.phase === 'reconnecting');
  offline = false;
  back();
  expect(await visitor.settled()).toMatchObject({ phase: 'done', answer: 'Good day.' });
  expect(paths().filter((path) => path === 'POST /api/chat')).toHaveLength(3);
});
