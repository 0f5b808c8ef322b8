// Are colours readable, settings strict, pages safe, and durations said well?
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/contract/config';
import { parseLook } from '../src/contract/look';
import { accentTokens, contrast, inkOn, mix } from '../src/loader/colour';
import { judge } from '../src/loader/guard';
import { lengthOf } from '../src/talk/text';
import { duration } from '../src/words/duration';
import { en } from '../src/words/en';

describe('colours', () => {
  const everyColour = (): string[] => {
    const steps = ['00', '33', '66', '77', '99', 'cc', 'ff'];
    return steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => `#${r}${g}${b}`)));
  };

  test('the known ratios come out', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080');
    expect(inkOn('#ffff00')).toBe('#111827');
    expect(inkOn('#0f766e')).toBe('#ffffff');
  });

  test.each([true, false])('every accent is readable everywhere (dark: %s)', (dark) => {
    const surface = dark ? '#181a20' : '#ffffff';
    for (const accent of everyColour()) {
      const tokens = accentTokens(accent, dark);
      expect(contrast(tokens['--ink']!, tokens['--fill']!), accent).toBeGreaterThanOrEqual(4.5);
      expect(contrast(tokens['--ink']!, tokens['--fill2']!), accent).toBeGreaterThanOrEqual(4.5);
      expect(contrast(tokens['--accent']!, surface), accent).toBeGreaterThanOrEqual(4.5);
      // Links also stand on tinted rows: 8 % of the fill on light, 14 % on dark (panel.css).
      const tint = mix(surface, tokens['--fill']!, dark ? 0.14 : 0.08);
      expect(contrast(tokens['--accent']!, tint), `${accent} on its tint`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

describe('the config', () => {
  test('missing keys get defaults', () => {
    const config = parseConfig({}, parseLook({}));
    expect(config).toMatchObject({ title: 'Chat', suggestions: [], locale: 'en', limits: { messageLength: 4000, intervalMs: 0 } });
    expect(config.theme).toEqual({ scheme: 'auto', accent: '#4f46e5', position: 'bottom-right', radius: 16 });
  });

  test.each([null, 1, 'x', [], { theme: 7, limits: [], suggestions: {}, launcher: 'x', features: null }])('%j does not throw', (raw) => {
    expect(parseConfig(raw, parseLook(raw)).title).toBe('Chat');
  });

  test('values of the wrong form are ignored, right ones are kept', () => {
    const raw = {
      title: 'Shop',
      suggestions: ['a', 1, '', ' ', 'b'],
      locale: 'pt-BR',
      theme: { scheme: 'sepia', accent: 'red;}*{display:none', position: 'top', radius: 24 },
      launcher: { label: 'Ask' },
      limits: { message_length: -1, interval_ms: 500 },
    };
    const config = parseConfig(raw, parseLook(raw));
    expect(config).toMatchObject({ title: 'Shop', suggestions: ['a', 'b'], locale: 'pt-BR', launcher: { label: 'Ask' } });
    expect(config.theme).toEqual({ scheme: 'auto', accent: '#4f46e5', position: 'bottom-right', radius: 24 });
    expect(config.limits).toEqual({ messageLength: 4000, intervalMs: 500 });
  });

  test('is frozen to the bottom, without freezing what the caller holds', () => {
    const raw = { suggestions: ['Hello?'], theme: { radius: 8 } };
    const config = parseConfig(raw, parseLook(raw));
    const all = [config, config.theme, config.limits, config.suggestions, config.launcher];
    expect(all.every(Object.isFrozen)).toBe(true);
    expect(Object.isFrozen(raw.suggestions)).toBe(false);
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
  [3600, '1 h'],
  [12_000, '3 h 20 min'],
  [86_400 * 3, '3 days'],
])('%d seconds are said as %s', (seconds, text) => {
  expect(duration(seconds, en)).toBe(text);
});

test('length is counted in code points after NFC', () => {
  expect(lengthOf('e\u0301')).toBe(1);
  expect(lengthOf('👋🏽')).toBe(2);
});
