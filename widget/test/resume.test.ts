// Is an answer whole after its connection was cut, wherever that was? Against a real server that hangs up at each byte.
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answer, event, hangUp, json, refuse, startGateway, stream, type Gateway, type Heard, type Reply } from './gateway';
import { Visitor } from './visitor';

let gateway: Gateway;
let alice: Visitor;

const STREAM = 'GET /api/chat/msg_1/stream';
const SOURCES = [{ index: 1, title: 'Help', url: 'https://shop.example/', excerpt: 'x' }];
/** One, two, three and four bytes a character, joined and combined ones, and a line end to be dropped. */
const PIECES = ['Aé', '日👋🏽', 'e\u0301\r\n', '👩‍👧 [1]'];
const TEXT = PIECES.join('');
const SHOWN = TEXT.replace('\r', '');
const points = [...TEXT];
const startAt = (place: number): string => event('start', { message_id: 'msg_1', conversation_id: 'conv_1' }, place);
const start = startAt(0);
const done = event('done', { usage: { messages_remaining_today: 3 }, finish_reason: 'stop' }, points.length);
const sources = event('sources', SOURCES, 0);
const delta = (from: number, to: number): string => event('delta', { text: points.slice(from, to).join('') }, to);

/** Where each piece ends, in code points. */
const ends = PIECES.map((_, i) => [...PIECES.slice(0, i + 1).join('')].length);
const starts = [0, ...ends.slice(0, -1)];
const whole = Buffer.from(start + sources + ends.map((end, i) => delta(starts[i]!, end)).join('') + done);

const cutAt =
  (bytes: Buffer): Reply =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    response.write(bytes, () => response.destroy());
    if (!bytes.length) response.destroy();
  };

/** Ways to go on from `at` that all mean the same answer. */
const continuations: Record<string, (at: number) => string> = {
  'exactly there': (at) => startAt(at) + sources + (at < points.length ? delta(at, points.length) : ''),
  // Sources come before the text: who has text has them.
  'one code point at a time': (at) => startAt(at) + (at ? '' : sources) + points.slice(at).map((_, i) => delta(at + i, at + i + 1)).join(''),
  'at the start of the piece before it, as it was first sent': (at) => {
    const first = Math.max(0, ends.findLastIndex((end) => end <= at));
    return startAt(starts[first] ?? 0) + sources + ends.slice(first).map((end, i) => delta(starts[first + i]!, end)).join('');
  },
  'two code points before it': (at) => startAt(Math.max(0, at - 2)) + sources + delta(Math.max(0, at - 2), points.length),
  'at the very beginning, in other pieces': (at) => start + sources + delta(0, Math.ceil(at / 2)) + delta(Math.ceil(at / 2), points.length),
};

beforeEach(async () => {
  gateway = await startGateway();
  alice = new Visitor(gateway);
});

afterEach(async () => {
  vi.unstubAllGlobals();
  alice.chat.end();
  await gateway.close();
  expect(gateway.faults).toEqual([]);
});

const joins = () => gateway.heard.filter(({ method }) => method === 'GET');
const chats = () => gateway.heard.filter(({ path }) => path === '/api/chat');

describe('an answer that was cut at any byte goes on', () => {
  test.each(Object.keys(continuations))('%s', async (name) => {
    gateway.on(STREAM, (response, { lastEventId }) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.end(continuations[name]!(parseInt(lastEventId ?? '0', 10)) + done);
    });
    for (let at = 0; at <= whole.length; at++) {
      const { length } = gateway.heard;
      const bytes = whole.subarray(0, at);
      // The same key again: the gateway plays the answer back from its beginning.
      gateway.on('POST /api/chat', cutAt(bytes), stream(whole.toString()));
      const exchange = await alice.ask();
      expect(exchange, `cut at ${at}`).toMatchObject({ phase: 'done', answer: SHOWN, reach: points.length, sources: SOURCES, messageId: 'msg_1', finish: 'stop' });

      const after = gateway.heard.slice(length).filter(({ path }) => path.startsWith('/api/chat'));
      const events = bytes.toString().split('\n\n').length - 1;
      const reach = events < 3 ? undefined : String(ends[Math.min(events, 2 + PIECES.length) - 3]);
      const expected: Partial<Heard>[] = [{ method: 'POST', lastEventId: undefined, accept: 'text/event-stream' }];
      if (events === 0) expected.push({ method: 'POST', key: after[0]!.key, body: after[0]!.body });
      else if (at < whole.length) expected.push({ method: 'GET', lastEventId: reach, accept: 'text/event-stream', key: '' });
      expect(after, `cut at ${at}`).toMatchObject(expected);
      expect(after).toHaveLength(expected.length);
    }
    expect(new Set(alice.said.map(([what]) => what))).toEqual(new Set(['message', 'answer']));
    expect(alice.said).toHaveLength(2 * (whole.length + 1));
    // Hundreds of conversations: on a busy machine more than the usual 5 s.
  }, 60_000);
});

describe('reconnecting', () => {
  const half = cutAt(Buffer.from(start + sources + delta(0, 4)));

  test('keeps the text on screen, says so, and goes on calmly', async () => {
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, stream(startAt(4), delta(4, points.length), done));
    let shown = '';
    alice.chat.send('Hello');
    await alice.until(() => alice.last.phase === 'reconnecting');
    shown = alice.last.answer;
    await alice.settled();
    expect(shown).toBe(points.slice(0, 4).join(''));
    expect(alice.phases).toEqual(['sending', 'waiting', 'streaming', 'reconnecting', 'streaming', 'done']);
    expect(alice.said.map(([what]) => what)).toEqual(['message', 'answer']);
  });

  test('waits 1, 2 and 4 s, and then leaves it to the visitor', async () => {
    const waits: number[] = [];
    const backoffMs = new Proxy([0, 0, 0], { get: (list, name) => (/^\d$/.test(String(name)) && waits.push(Number(name)), Reflect.get(list, name) as unknown) });
    alice = new Visitor(gateway, { backoffMs });
    gateway.on('POST /api/chat', half, stream(whole.toString()));
    gateway.on(STREAM, hangUp);
    expect(await alice.ask()).toMatchObject({ phase: 'failed', answer: points.slice(0, 4).join(''), trouble: { code: 'unreachable' } });
    expect(waits).toEqual([0, 1, 2]);
    expect(joins()).toHaveLength(3);
    expect(await alice.retry()).toMatchObject({ phase: 'done', answer: SHOWN, trouble: null });
    expect(new Set(chats().map(({ key }) => key)).size).toBe(1);
    expect(alice.said.map(([what]) => what)).toEqual(['message', 'error', 'answer']);
  });

  test('has new patience after each piece that came through', async () => {
    gateway.on('POST /api/chat', cutAt(Buffer.from(start + sources + delta(0, 1))));
    gateway.on(STREAM, (response, request) => {
      const at = Number(request.lastEventId);
      if (at === points.length) stream(startAt(at), done)(response, request);
      else cutAt(Buffer.from(startAt(at) + delta(at, at + 1)))(response, request);
    });
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
    expect(joins().map(({ lastEventId }) => Number(lastEventId))).toEqual(points.map((_, i) => i + 1));
  });

  test('is ended early by the network coming back', async () => {
    let resume: (() => void) | undefined;
    alice = new Visitor(gateway, {
      backoffMs: [600_000],
      whenOnline: (then) => {
        resume = then;
        return () => {};
      },
    });
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, stream(startAt(4), delta(4, points.length), done));
    alice.chat.send('Hello');
    await alice.until(() => alice.last.phase === 'reconnecting');
    resume!();
    expect(await alice.settled()).toMatchObject({ phase: 'done', answer: SHOWN });
  });

  test('can be stopped; nothing comes after that', async () => {
    alice = new Visitor(gateway, { backoffMs: [600_000] });
    gateway.on('POST /api/chat', half);
    const isStopped = gateway.arrival('DELETE /api/chat/msg_1/stream');
    alice.chat.send('Hello');
    await alice.until(() => alice.last.phase === 'reconnecting');
    alice.chat.stop();
    await isStopped;
    expect(alice.last).toMatchObject({ phase: 'stopped', answer: points.slice(0, 4).join('') });
    expect(joins()).toEqual([]);
  });

  test.each([
    ['a gateway that is being restarted', refuse(503, 'service_unavailable')],
    ['a proxy without a gateway', json(502, '<html>Bad gateway</html>')],
  ])('outlasts %s', async (_, reply) => {
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, reply, reply, stream(startAt(4), delta(4, points.length), done));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
  });

  test('follows silence too: a dead connection looks like that', async () => {
    alice = new Visitor(gateway, { silenceMs: 100 });
    gateway.on('POST /api/chat', (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(start + delta(0, 4));
    });
    gateway.on(STREAM, stream(startAt(4), delta(4, points.length), done));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
  });

  test('refreshes a token that grew old meanwhile', async () => {
    gateway.on('POST /api/chat', half);
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'new', expires_in: 900 }));
    gateway.on(STREAM, refuse(401, 'token_expired'), stream(startAt(4), delta(4, points.length), done));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
    expect(joins().map(({ token }) => token)).toEqual(['token-1', 'new']);
  });

  test('never leaves a hole: what starts too late is asked for again', async () => {
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, stream(startAt(4), delta(6, points.length), done), stream(startAt(4), delta(4, points.length), done));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
    expect(joins().map(({ lastEventId }) => lastEventId)).toEqual(['4', '4']);
  });

  test('shows an answer that was made anew meanwhile from its beginning, and nothing of the old one', async () => {
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, stream(start, event('delta', { text: 'Other' }, 5), event('done', { finish_reason: 'stop' }, 5)));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: 'Other', reach: 5 });
  });

  test('shows an error that the joined stream ends with', async () => {
    gateway.on('POST /api/chat', half);
    gateway.on(STREAM, stream(startAt(4), event('error', { error: 'processing_error', request_id: 'req_7' }, 4)));
    expect(await alice.ask()).toMatchObject({ phase: 'failed', answer: points.slice(0, 4).join(''), trouble: { code: 'processing_error', requestId: 'req_7' } });
    expect(joins()).toHaveLength(1);
  });

  test.each([
    [410, 'session_expired'],
    [401, 'session_revoked'],
  ])('shows the end of the session (%i %s) below what was read, and a retry opens another', async (status, code) => {
    gateway.on('POST /api/chat', half, refuse(status, code), answer('Anew.'));
    gateway.on(STREAM, refuse(status, code));
    expect(await alice.ask()).toMatchObject({ phase: 'failed', answer: points.slice(0, 4).join(''), trouble: { code } });
    expect(await alice.retry()).toMatchObject({ phase: 'done', answer: 'Anew.' });
    expect(chats().at(-1)).toMatchObject({ token: 'token-2' });
  });
});

describe('an answer that cannot be joined any more (404)', () => {
  test('is a lost connection with what was read, and a retry under the same key', async () => {
    gateway.on('POST /api/chat', cutAt(Buffer.from(start + delta(0, 4))), stream(whole.toString()));
    gateway.on(STREAM, refuse(404, 'not_found'));
    expect(await alice.ask()).toMatchObject({ phase: 'failed', answer: points.slice(0, 4).join(''), trouble: { code: 'cut' } });
    expect(chats()).toHaveLength(1);
    expect(await alice.retry()).toMatchObject({ phase: 'done', answer: SHOWN, reach: points.length });
    expect(new Set(chats().map(({ key }) => key)).size).toBe(1);
  });

  test('of which nothing was read is asked for again under the same key', async () => {
    gateway.on('POST /api/chat', cutAt(Buffer.from(start + sources)), stream(whole.toString()));
    gateway.on(STREAM, refuse(404, 'not_found'));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
    expect(new Set(chats().map(({ key }) => key)).size).toBe(1);
    expect(joins()).toHaveLength(1);
    expect(alice.said.map(([what]) => what)).toEqual(['message', 'answer']);
  });
});

describe('a message that is still being answered (409)', () => {
  const busy = refuse(409, 'idempotency_in_progress', { message_id: 'msg_1', retry_after: 1 });

  test('is joined at its beginning after its connection was lost', async () => {
    gateway.on('POST /api/chat', hangUp, busy);
    gateway.on(STREAM, stream(whole.toString()));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN, messageId: 'msg_1' });
    expect(joins()).toMatchObject([{ lastEventId: undefined, accept: 'text/event-stream' }]);
    expect(alice.said.map(([what]) => what)).toEqual(['message', 'answer']);
  });

  test('is resumed when that stream is cut as well', async () => {
    gateway.on('POST /api/chat', busy);
    gateway.on(STREAM, cutAt(Buffer.from(start + sources + delta(0, 3))), stream(startAt(3), delta(3, points.length), done));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN, sources: SOURCES });
    expect(joins().map(({ lastEventId }) => lastEventId)).toEqual([undefined, '3']);
  });

  test('is sent again after a moment when it cannot be joined, and not for ever', async () => {
    const pauses: number[] = [];
    const { setTimeout: real } = globalThis;
    // The second that the gateway asks for is noted instead of waited for.
    vi.stubGlobal('setTimeout', (then: () => void, ms: number) => real(then, ms === 1000 ? pauses.push(ms) && 0 : ms));
    gateway.on('POST /api/chat', busy, stream(whole.toString()));
    gateway.on(STREAM, refuse(404, 'not_found'));
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: SHOWN });
    gateway.on('POST /api/chat', busy);
    const before = chats().length;
    expect(await alice.ask('Again')).toMatchObject({ phase: 'failed', trouble: { code: 'idempotency_in_progress' } });
    expect(chats().length - before).toBe(6);
    expect(pauses).toHaveLength(1 + 5);
  });
});
