// Are settings strict, pages safe, and durations said well?
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/contract/config';
import { parseLook } from '../src/contract/look';
import { judge } from '../src/loader/guard';
import { lengthOf } from '../src/talk/text';
import { duration } from '../src/words/duration';

describe('the config', () => {
  test('missing keys get defaults', () => {
    const config = parseConfig({});
    expect(config).toMatchObject({ title: '', suggestions: [], locale: 'auto', limits: { messageLength: 4000, intervalMs: 0 } });
  });

  test.each([null, 1, 'x', [], { theme: 7, limits: [], suggestions: {}, launcher: 'x', features: null }])('%j does not throw', (raw) => {
    expect(parseConfig(raw).title).toBe('');
  });

  test('values of the wrong form are ignored, right ones are kept', () => {
    const raw = {
      title: 'Shop',
      suggestions: ['a', 1, '', ' ', 'b'],
      locale: 'pt-BR',
      limits: { message_length: -1, interval_ms: 500 },
    };
    const config = parseConfig(raw);
    expect(config).toMatchObject({ title: 'Shop', suggestions: ['a', 'b'], locale: 'pt-BR' });
    expect(config.limits).toEqual({ messageLength: 4000, intervalMs: 500 });
  });

  test('is frozen to the bottom, without freezing what the caller holds', () => {
    const raw = { suggestions: ['Hello?'], theme: { light: { '--bg': '#fff' } }, launcher: { icon: ['M4 4'] } };
    const look = parseLook(raw);
    const config = parseConfig(raw);
    const all = [config, config.limits, config.suggestions, look, look.theme, look.theme.light, look.launcher, look.launcher.icon];
    expect(all.every(Object.isFrozen)).toBe(true);
    expect(Object.isFrozen(raw.suggestions)).toBe(false);
  });
});

describe('the look', () => {
  test('plain values of custom properties are kept, and nothing that could name an address or end a declaration', () => {
    const light = {
      '--bg': '#ffffff',
      '--call': 'linear-gradient(140deg, #4f46e5, #4039b7)',
      '--font': "ui-rounded, 'SF Pro Rounded', sans-serif",
      '--a': 'url(https://evil.example)',
      '--b': 'url(//evil.example)',
      '--c': 'red;}*{display:none',
      '--d': 7,
      background: 'red',
    };
    expect(Object.keys(parseLook({ theme: { light } }).theme.light)).toEqual(['--bg', '--call', '--font']);
  });

  test('a launcher of the wrong form is a launcher without words and icon', () => {
    const raw = { launcher: { label: ' ', style: 'x" onclick="', icon: 'M4 4' } };
    expect(parseLook(raw).launcher).toEqual({ label: '', name: '', style: '', icon: [] });
  });
});

describe('the HTTPS guard', () => {
  test.each([
    ['https://a.example', 'https://g.example', ''],
    ['http://localhost:8001', 'http://localhost:8000', 'loopback'],
    ['http://127.0.0.1', 'https://g.example', 'loopback'],
    ['http://[::1]:3000', 'https://g.example', 'loopback'],
    ['https://a.example', 'http://localhost:8000', 'loopback'],
    ['http://a.example', 'https://g.example', 'https_required'],
    ['https://a.example', 'http://g.example', 'https_required'],
    ['http://localhost.evil.example', 'https://g.example', 'https_required'],
    ['http://127.0.0.2', 'https://g.example', 'https_required'],
    ['http://localhost:8001', 'http://g.example', 'https_required'],
    ['https://a.example', '', 'https_required'],
    ['chrome-extension://abc', 'https://g.example', 'https_required'],
    ['null', 'https://g.example', 'null_origin'],
  ])('page %s, gateway %s: %j', (page, gateway, verdict) => {
    expect(judge(page, gateway)).toBe(verdict);
  });
});

test.each([
  [0, '0:00'],
  [45, '0:45'],
  [899.2, '15:00'],
  [3600, '1 hr'],
  [12_000, '3 hr 20 min'],
  [86_400 * 3, '3 days'],
])('%d seconds are said as %s', (seconds, text) => {
  expect(duration(seconds, 'en')).toBe(text);
});

test('length is counted in code points after NFC', () => {
  expect(lengthOf('e\u0301')).toBe(1);
  expect(lengthOf('👋🏽')).toBe(2);
});
