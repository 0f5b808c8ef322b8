// What does the frame believe of a page that may be hostile? Plain values of the right form, and nothing else.
import { describe, expect, test } from 'vitest';
import { parseAround, parseGiven } from '../src/contract/frame';

const NOTHING = { url: '', title: '', launcher: '', locale: '', dark: false, modal: false };

describe('what is around the frame', () => {
  test('is taken as it is said', () => {
    const said = { url: 'https://shop.example/a', title: 'A', launcher: 'Open chat', locale: 'de-AT', dark: true, modal: true };
    expect(parseAround(said)).toEqual(said);
  });

  test.each([undefined, null, 7, 'x', [], [{}], { url: {}, title: [], launcher: 1, locale: null, dark: 1, modal: 'yes' }])('%j says nothing', (raw) => {
    expect(parseAround(raw)).toEqual(NOTHING);
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', ' https://shop.example'])('%s is no page', (url) => {
    expect(parseAround({ url }).url).toBe('');
  });

  test('has bounds', () => {
    const long = 'x'.repeat(100_000);
    const { url, title, launcher, locale } = parseAround({ url: `https://${long}`, title: long, launcher: long, locale: long });
    expect([url.length, title.length, launcher.length, locale]).toEqual([1000, 200, 200, '']);
  });
});

test('what a session opens with is text or not there', () => {
  expect(parseGiven({ identity: 'a.b.c', ticket: 'd.e.f' })).toEqual({ identity: 'a.b.c', ticket: 'd.e.f' });
  expect(parseGiven({ identity: null })).toEqual({ identity: null, ticket: '' });
  for (const raw of [null, 7, { identity: {}, ticket: ['x'] }, {}]) expect(parseGiven(raw)).toEqual({ identity: '', ticket: '' });
});
