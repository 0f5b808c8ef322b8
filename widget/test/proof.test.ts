// Does each request prove that it comes from the one who opened the session? Against a server that checks every proof.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Clock, Prover } from '../src/talk/proof';
import { call } from '../src/talk/wire';
import { answer, event, hangUp, json, refuse, startGateway, stream, type Gateway } from './gateway';
import { faultOf, openProof } from './proofs';
import { Visitor } from './visitor';

let gateway: Gateway;
let alice: Visitor;

beforeEach(async () => {
  gateway = await startGateway();
  gateway.on('POST /api/chat', answer('Good day.'));
  alice = new Visitor(gateway);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  alice.chat.end();
  await gateway.close();
});

const heard = (path: string) => gateway.heard.filter((one) => one.path === path);
const thumbprints = () => new Set(gateway.heard.map(({ proof }) => proof?.thumbprint));

describe('the key', () => {
  test('is made at the first message, not before', async () => {
    const make = vi.spyOn(crypto.subtle, 'generateKey');
    new Visitor(gateway);
    expect(make).not.toHaveBeenCalled();
    await alice.ask();
    await alice.ask('Again');
    expect(make.mock.calls).toEqual([[{ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']]]);
  });

  test('cannot be exported: not its private half, and nothing else holds it', async () => {
    const make = vi.spyOn(crypto.subtle, 'generateKey');
    await alice.ask();
    const { privateKey } = (await make.mock.results[0]!.value) as CryptoKeyPair;
    expect(privateKey).toMatchObject({ type: 'private', extractable: false, usages: ['sign'] });
    await expect(crypto.subtle.exportKey('pkcs8', privateKey)).rejects.toThrow();
    await expect(crypto.subtle.exportKey('jwk', privateKey)).rejects.toThrow();
    const prover = (await Prover.make(new Clock()))!;
    expect(Object.values(prover).some((value) => value instanceof CryptoKey)).toBe(false);
  });

  test('shows its four public members, in one order', async () => {
    await alice.ask();
    const { jwk } = gateway.heard[0]!.proof!.header;
    expect(Object.keys(jwk)).toEqual(['kty', 'crv', 'x', 'y']);
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256' });
  });

  test('is one for a session, and another for the next', async () => {
    await alice.ask();
    await alice.ask('Again');
    expect(thumbprints().size).toBe(1);
    const isEnded = gateway.arrival('DELETE /api/sessions/current');
    alice.chat.clear();
    await alice.ask('New');
    await isEnded;
    expect(thumbprints().size).toBe(2);
    const [first, second] = heard('/api/sessions').map(({ proof }) => proof!.thumbprint);
    expect(heard('/api/sessions/current')[0]!.proof!.thumbprint).toBe(first);
    expect(heard('/api/chat')[2]!.proof!.thumbprint).toBe(second);
  });
});

describe('a proof', () => {
  test('is right for each route that a session uses, and used once', async () => {
    gateway.on('POST /api/sessions', json(201, { session_token: 'token-1', expires_in: 20, conversation_id: 'conv_9' }));
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'token-2', expires_in: 900 }));
    gateway.on('POST /api/chat', refuse(409, 'idempotency_in_progress', { message_id: 'msg ü/1' }), (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(event('start', { message_id: 'msg_2' }) + event('delta', { text: 'Once' }));
    });
    gateway.on('GET /api/chat/msg%20%C3%BC%2F1/stream', stream(event('start', { message_id: 'msg_1' }), event('done', {})));
    const isStopped = gateway.arrival('DELETE /api/chat/msg_2/stream');
    await alice.ask();
    alice.chat.send('Again');
    await alice.until(() => alice.last.answer === 'Once');
    alice.chat.stop();
    await isStopped;
    const isEnded = gateway.arrival('DELETE /api/sessions/current');
    alice.chat.clear();
    await isEnded;
    expect(gateway.heard.map(({ method, path, proof, token }) => [method, path, !!proof, !!proof!.claims.ath === !!token])).toEqual([
      ['POST', '/api/sessions', true, true],
      ['POST', '/api/chat', true, true],
      // The refresh margin is longer than this token lives.
      ['POST', '/api/sessions/refresh', true, true],
      ['GET', '/api/chat/msg%20%C3%BC%2F1/stream', true, true],
      ['POST', '/api/chat', true, true],
      ['DELETE', '/api/chat/msg_2/stream', true, true],
      ['DELETE', '/api/sessions/current', true, true],
    ]);
    // The gateway of the tests compares htm, htu, ath and iat, and remembers each jti.
    expect(gateway.faults).toEqual([]);
    expect(new Set(gateway.heard.map(({ proof }) => proof!.claims.jti)).size).toBe(gateway.heard.length);
    expect(thumbprints().size).toBe(1);
  });

  test('names the address without its query', async () => {
    const prover = (await Prover.make(new Clock()))!;
    const wire = { gateway: gateway.url, widgetId: 'widget_1', silenceMs: 1000 };
    gateway.on('GET /api/conversations/conv_1/messages?limit=20', json(200, {}));
    const { signal } = new AbortController();
    await call(wire, { method: 'GET', path: '/api/conversations/conv_1/messages?limit=20', token: 't', prover, signal });
    expect(gateway.heard[0]!.proof!.claims.htu).toBe(`${gateway.url}/api/conversations/conv_1/messages`);
  });

  test('is compact ES256, and fits no other request', async () => {
    const clock = new Clock();
    const text = await (await Prover.make(clock))!.prove('POST', 'https://chat.example/api/chat', 'token');
    expect(text.length).toBeLessThan(1000);
    const proof = openProof(text);
    const now = clock.seconds;
    const fault = (method = 'POST', path = '/api/chat', token = 'token', at = now) => faultOf(proof, method, `https://chat.example${path}`, token, at);
    expect([fault(), fault('GET'), fault('POST', '/api/sessions'), fault('POST', '/api/chat', 'other'), fault('POST', '/api/chat', 'token', now + 99)]).toEqual([
      '', 'htm', 'htu', 'ath', 'iat',
    ]);
    const [head, body, signature] = text.split('.') as [string, string, string];
    expect(Buffer.from(signature, 'base64url')).toHaveLength(64);
    const forged = Buffer.from(JSON.stringify({ ...proof.claims, htm: 'GET' })).toString('base64url');
    expect(() => openProof(`${head}.${forged}.${signature}`)).toThrow('signature');
    expect(() => openProof(`${head}.${body}.${signature}`)).not.toThrow();
  });
});

describe('the clock', () => {
  test.each([
    ['an hour behind', 3600],
    ['a day ahead', -86_400],
  ])('of a visitor who is %s is corrected by one refusal, once for all sessions', async (_, ahead) => {
    gateway.aheadSeconds = ahead;
    expect(await alice.ask()).toMatchObject({ phase: 'done' });
    expect(gateway.faults).toEqual(['iat']);
    alice.chat.clear();
    expect(await alice.ask('New')).toMatchObject({ phase: 'done' });
    expect(gateway.faults).toEqual(['iat']);
  });

  test('is also learnt from each token', async () => {
    gateway.on('POST /api/sessions', (response, request) => {
      gateway.aheadSeconds = 3600;
      const server_time = Math.floor(Date.now() / 1000) + 3600;
      json(201, { session_token: 'token', expires_in: 900, conversation_id: 'conv_1', server_time })(response, request);
    });
    expect(await alice.ask()).toMatchObject({ phase: 'done' });
    expect(gateway.faults).toEqual([]);
  });

  test('that changes during a session is corrected, under the same key and with another proof', async () => {
    await alice.ask();
    gateway.aheadSeconds = 7200;
    expect(await alice.ask('Again')).toMatchObject({ phase: 'done' });
    expect(gateway.faults).toEqual(['iat']);
    const [, refused, repeated] = heard('/api/chat');
    expect(repeated).toMatchObject({ key: refused!.key, token: refused!.token, body: refused!.body });
    expect(repeated!.proof!.claims.jti).not.toBe(refused!.proof!.claims.jti);
    // The page hears of one message, and of no error.
    expect(alice.said.map(([what]) => what)).toEqual(['message', 'answer', 'message', 'answer']);
  });

  test('is corrected once for a request: a second refusal is final', async () => {
    await alice.ask();
    gateway.suspicious = 99;
    expect(await alice.ask('Again')).toMatchObject({ phase: 'failed', trouble: { code: 'invalid_proof', requestId: 'req_1' } });
    expect(heard('/api/chat')).toHaveLength(3);
    gateway.suspicious = 0;
    expect(await alice.retry()).toMatchObject({ phase: 'done' });
    expect(new Set(heard('/api/chat').slice(1).map(({ key }) => key)).size).toBe(1);
  });

  test.each([undefined, 'soon', 0, -5, null])('is left alone when the gateway tells its time as %j', async (time) => {
    gateway.on('POST /api/chat', refuse(401, 'invalid_proof', { server_time: time }));
    expect(await alice.ask()).toMatchObject({ phase: 'failed', trouble: { code: 'invalid_proof' } });
    expect(heard('/api/chat')).toHaveLength(1);
  });
});

describe('without a key', () => {
  test.each([
    ['there is no WebCrypto', () => vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })],
    ['it makes no keys', () => vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'))],
    ['it throws at once', () => vi.spyOn(crypto.subtle, 'generateKey').mockImplementation(() => { throw new TypeError('frozen'); })],
  ])('the session is opened unbound when %s', async (_, breakIt) => {
    breakIt();
    expect(await alice.ask()).toMatchObject({ phase: 'done', answer: 'Good day.' });
    expect(gateway.heard.map(({ proof }) => proof)).toEqual([null, null]);
    expect(heard('/api/chat')[0]!.key).toMatch(/^[\x21-\x7e]{1,255}$/);
  });

  test('a widget that wants proofs from now on gets a bound session, with the message in it', async () => {
    const make = vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValueOnce(new Error('busy'));
    await alice.ask();
    expect(gateway.heard[0]!.proof).toBe(null);
    gateway.on('POST /api/chat', refuse(401, 'proof_required'), answer('Bound.'));
    expect(await alice.ask('Again')).toMatchObject({ phase: 'done', answer: 'Bound.' });
    expect(make).toHaveBeenCalledTimes(2);
    const [, refused, repeated] = heard('/api/chat');
    expect(repeated).toMatchObject({ key: refused!.key, token: 'token-2' });
    expect(repeated!.proof!.thumbprint).toBe(heard('/api/sessions')[1]!.proof!.thumbprint);
    expect(alice.chat.items.map(({ kind }) => kind)).toEqual(['exchange', 'divider', 'exchange']);
  });

  test('where no key can be made, a widget that wants proofs is asked twice and no more', async () => {
    vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new Error('never'));
    gateway.on('POST /api/sessions', refuse(401, 'proof_required'));
    expect(await alice.ask()).toMatchObject({ phase: 'failed', trouble: { code: 'proof_required' } });
    expect(heard('/api/sessions')).toHaveLength(2);
  });

  test('a key that stops signing is replaced, with its session', async () => {
    await alice.ask();
    const sign = vi.spyOn(crypto.subtle, 'sign').mockRejectedValueOnce(new Error('gone'));
    gateway.on('POST /api/chat', (response, request) =>
      request.proof ? answer('Bound.')(response, request) : refuse(401, 'proof_required')(response, request));
    expect(await alice.ask('Again')).toMatchObject({ phase: 'done', answer: 'Bound.' });
    expect(sign).toHaveBeenCalledTimes(3);
    expect(heard('/api/sessions')).toHaveLength(2);
  });
});

describe('a refresh', () => {
  beforeEach(async () => {
    gateway.on('POST /api/sessions', json(201, { session_token: 'old', expires_in: 1, conversation_id: 'conv_9' }));
    await alice.ask();
  });

  test('of an expired token comes just before the message, proven by the session’s key for the old token', async () => {
    gateway.on('POST /api/sessions/refresh', json(200, { session_token: 'new', expires_in: 900 }));
    expect(await alice.ask('Again')).toMatchObject({ phase: 'done' });
    expect(gateway.heard.map(({ path, token }) => [path, token])).toEqual([
      ['/api/sessions', ''],
      ['/api/chat', 'old'],
      ['/api/sessions/refresh', 'old'],
      ['/api/chat', 'new'],
    ]);
    expect(gateway.faults).toEqual([]);
    expect(thumbprints().size).toBe(1);
    expect(alice.chat.items.map(({ kind }) => kind)).toEqual(['exchange', 'exchange']);
  });

  test('is asked for again when its answer is lost, three times in a row', async () => {
    gateway.on('POST /api/sessions/refresh', hangUp, hangUp, hangUp, json(200, { session_token: 'new', expires_in: 900 }));
    expect(await alice.ask('Again')).toMatchObject({ phase: 'done' });
    const refreshes = heard('/api/sessions/refresh');
    expect(refreshes.map(({ token }) => token)).toEqual(['old', 'old', 'old', 'old']);
    expect(new Set(refreshes.map(({ proof }) => proof!.claims.jti)).size).toBe(4);
    expect(gateway.heard.at(-1)).toMatchObject({ token: 'new', body: { conversation_id: 'conv_9' } });
  });
});
