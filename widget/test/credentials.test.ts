// What goes into the opening of a session, and when is a visitor somebody else?
import { describe, expect, test, vi } from 'vitest';
import { personOf, take, takeCredentials, whoIs } from '../src/talk/credentials';
import { Session } from '../src/talk/session';
import { Failed } from '../src/talk/trouble';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (sub: unknown, jti: string): string => `${encode({ alg: 'HS256' })}.${encode({ sub, jti, name: 'Zoë' })}.c2ln`;

describe('credentials', () => {
  test('are texts or come from a function, and the identity goes only where one is wanted', async () => {
    const given = { identity: () => Promise.resolve('who\n'), ticket: ' pass ' };
    expect(await takeCredentials(given, true)).toEqual({ identity: 'who', ticket: 'pass' });
    expect(await takeCredentials(given, false)).toEqual({ identity: undefined, ticket: 'pass' });
    expect(await takeCredentials({ identity: null }, true)).toEqual({ identity: undefined, ticket: undefined });
  });

  test('a new token of the same person is no other person', () => {
    expect(personOf(token('alice', '1'))).toBe(personOf(token('alice', '2')));
    expect(personOf(token('alice', '1'))).not.toBe(personOf(token('bob', '1')));
    expect(personOf(null)).toBe(personOf(undefined));
    expect(personOf(token('null', '1'))).not.toBe(personOf(null));
  });

  test('what is no token is compared as it is', () => {
    expect(personOf('x')).toBe('x');
    expect(personOf('a.b.c')).not.toBe(personOf('a.d.c'));
  });

  test('a token without a name is compared as it is', () => {
    expect(personOf(token(undefined, '1'))).not.toBe(personOf(token(undefined, '2')));
    expect(personOf('')).toBeNull();
  });

  test('a function that fails names nobody, and the console says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const failing = take(() => Promise.reject(new Error('signed out')));
    expect(await whoIs(failing)).toBeNull();
    expect(await whoIs(take(() => { throw new Error('broken'); }))).toBeNull();
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });

  test('a function that never answers names nobody after a while', async () => {
    vi.useFakeTimers();
    const asked = whoIs(take(() => new Promise(() => {})));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await asked).toBeNull();
    vi.useRealTimers();
  });
});

describe('opening', () => {
  const wire = { gateway: 'https://gateway.invalid', widgetId: 'widget_1', silenceMs: 1000 };
  const signal = new AbortController().signal;

  test('asks for credentials once for all who wait, and anew after a failure', async () => {
    let asked = 0;
    const session = new Session(wire, () => undefined, () => {
      asked++;
      return Promise.reject(new Error('host is away'));
    });
    const both = [session.ready(signal), session.ready(signal)];
    for (const one of both) await expect(one).rejects.toMatchObject({ trouble: { code: 'unreachable' } });
    expect(asked).toBe(1);
    await expect(session.ready(signal)).rejects.toBeInstanceOf(Failed);
    expect(asked).toBe(2);
  });

  test('a host that never answers is silence, and who stops waiting does not stop the others', async () => {
    const session = new Session({ ...wire, silenceMs: 50 }, () => undefined, () => new Promise(() => {}));
    const stop = new AbortController();
    const stopped = session.ready(stop.signal);
    const waiting = session.ready(signal);
    stop.abort(new DOMException('stopped', 'AbortError'));
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    await expect(waiting).rejects.toMatchObject({ trouble: { code: 'silent' } });
  });

  test('a session that is dropped while it opens belongs to nobody', async () => {
    let give: (value: object) => void = () => {};
    const session = new Session(wire, () => undefined, () => new Promise((resolve) => (give = resolve)));
    const opening = session.ready(signal);
    session.drop();
    give({ identity: 'somebody who has left' });
    await expect(opening).rejects.toMatchObject({ trouble: { code: 'session_expired' } });
    expect(session.isOpen).toBe(false);
  });
});
