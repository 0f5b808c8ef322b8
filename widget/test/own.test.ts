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

  test('nothing is asked for what is not on screen any more', async () => {
    await visitor.ask();
    visitor.chat.end();
    expect(await erase(visitor.chat)).toBe(true);
    expect(paths()).not.toContain(ROUTE);
  });

  describe('what is above the line', () => {
    const [FIRST, SECOND] = ['DELETE /api/conversations/conv_1', 'DELETE /api/conversations/conv_2'];
    const gone = json(204, {});

    beforeEach(async () => {
      let opened = 0;
      gateway.on('POST /api/sessions', (...given) => json(201, { session_token: `token-${++opened}`, expires_in: 900, conversation_id: `conv_${opened}` })(...given));
      gateway.on('POST /api/chat', answer('One.'), refuse(410, 'session_expired'), answer('Two.'));
      await visitor.ask('One');
      await visitor.ask('Two');
      expect(visitor.chat.items.map(({ kind }) => kind)).toEqual(['exchange', 'divider', 'exchange']);
    });

    const tokens = () => gateway.heard.filter(({ method }) => method === 'DELETE').map(({ method, path, token, proof }) => [`${method} ${path}`, token, !!proof]);

    test('goes too, by the key of the session that it was in', async () => {
      gateway.on(FIRST, gone);
      gateway.on(SECOND, gone);
      expect(await erase(visitor.chat)).toBe(true);
      expect(tokens()).toEqual([
        [SECOND, 'token-2', true],
        [FIRST, 'token-1', true],
      ]);
    });

    test('is tried as the newest session where its own is nothing any more, and is told when that does not own it', async () => {
      gateway.on(SECOND, gone);
      gateway.on(FIRST, refuse(401, 'invalid_session'), gone);
      expect(await erase(visitor.chat)).toBe(true);
      gateway.on(FIRST, refuse(401, 'invalid_session'), refuse(404, 'not_found'));
      expect(await erase(visitor.chat)).toBe(false);
      expect(tokens().at(-1)).toEqual([FIRST, 'token-2', true]);
    });

    test('is not called erased while nobody knows', async () => {
      gateway.on(SECOND, gone);
      gateway.on(FIRST, hangUp);
      await expect(erase(visitor.chat)).rejects.toThrow('unreachable');
    });

    test('is nobody\'s after a new conversation or another person has cleared the screen', async () => {
      const ended = gateway.arrival('DELETE /api/sessions/current');
      visitor.chat.clear();
      expect(await erase(visitor.chat)).toBe(true);
      await ended;
      expect(tokens().map(([path]) => path)).toEqual(['DELETE /api/sessions/current']);
    });
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
