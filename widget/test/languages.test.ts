// Does each language say everything, in its own plural forms, and is the right one chosen?
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
// @ts-expect-error -- the build is plain JavaScript
import { languages } from '../build/lazies.mjs';
import { duration } from '../src/words/duration';
import { addLater, match, wordsFor } from '../src/words/choose';
import { en, enErrors, enLazy, type Plural } from '../src/words/en';
import { errorText } from '../src/words/errors';
import { count, fill } from '../src/words/say';
import { wanted } from '../src/words/wanted';
import { english } from './english';

const names: string[] = languages();
const load = async (name: string) => ((await import(`../src/words/languages/${name}.ts`)) as { default: Record<string, string> }).default;
const all: Record<string, string> = { ...en, ...enErrors, ...enLazy };
const plurals = Object.keys(all).flatMap((key) => (/^(?!error\.)(.+)\.other$/.exec(key)?.[1] ?? []) as Plural[]);
const places = (text: string) => [...text.matchAll(/\{\w+}/g)].map(String).sort();
const categories = (lang: string) => new Intl.PluralRules(lang).resolvedOptions().pluralCategories.sort();

test('there are at least thirty languages besides English, under canonical names', () => {
  expect(names.length).toBeGreaterThanOrEqual(30);
  for (const name of names) expect(Intl.getCanonicalLocales(name)).toEqual([name]);
});

describe.each(names)('%s', (name) => {
  test('has every text, once for each plural category of the language', async () => {
    const given = await load(name);
    const single = Object.keys(all).filter((key) => !plurals.includes(key.replace(/\.\w+$/, '') as Plural));
    const counted = plurals.flatMap((key) => categories(name).map((category) => `${key}.${category}`));
    expect(Object.keys(given).sort()).toEqual([...single, ...counted].sort());
  });

  test('has the same places as English, and a number in each form that stands for more than one', async () => {
    const rules = new Intl.PluralRules(name);
    for (const [key, text] of Object.entries(await load(name))) {
      const [base, category] = [key.replace(/\.\w+$/, ''), key.replace(/^.*\./, '')];
      const expected = places(all[key] ?? all[`${base}.other`]!);
      const numbers = Array.from({ length: 200 }, (_, n) => n).filter((n) => rules.select(n) === category);
      const may = plurals.includes(base as Plural) && numbers.length === 1 ? [expected, []] : [expected];
      expect(may, `${key}: ${text}`).toContainEqual(places(text));
    }
  });

  test('is plain text, trimmed and not English', async () => {
    for (const [key, text] of Object.entries(await load(name))) {
      expect(text, key).toBe(text.trim());
      expect(text, key).toMatch(/\p{L}/u);
      expect(text, key).not.toMatch(/[<>&\u0000-\u001f\u200e\u200f\u202a-\u202e]|\.\.\.|"/u);
      // Single words may be the same (Menu, Code).
      if (all[key]?.includes(' ')) expect(text, key).not.toBe(all[key]);
      // Not much longer than English: buttons and the heading have no room for more.
      expect(text.length, key).toBeLessThanOrEqual(24 + 2 * (all[key] ?? all[key.replace(/\.\w+$/, '.other')]!).length);
    }
    expect(Object.entries(await load(name)).filter(([key, text]) => text === all[key]).length).toBeLessThanOrEqual(9);
  });

  test('is written in the direction that its script has', () => {
    const locale = new Intl.Locale(name) as Intl.Locale & { getTextInfo?(): { direction: string }; textInfo?: { direction: string } };
    const { direction } = locale.getTextInfo?.() ?? locale.textInfo!;
    // Without a region, Portuguese is Brazilian (CLDR, likely subtags).
    const tag = name === 'pt' ? 'pt-PT' : name;
    expect(match(tag)).toEqual({ name, lang: tag, dir: direction });
  });
});

test.each([
  ['de', 'de'],
  ['de-AT', 'de'],
  ['DE_ch', 'de'],
  ['pt', 'pt-BR'],
  ['pt-BR', 'pt-BR'],
  ['pt-PT', 'pt'],
  ['pt-AO', 'pt'],
  ['zh', 'zh-Hans'],
  ['zh-CN', 'zh-Hans'],
  ['zh-SG', 'zh-Hans'],
  ['zh-TW', 'zh-Hant'],
  ['zh-HK', 'zh-Hant'],
  ['zh-Hant-CN', 'zh-Hant'],
  ['no', 'nb'],
  ['nn-NO', 'nb'],
  ['iw', 'he'],
  ['in-ID', 'id'],
  ['en-001', 'en'],
  ['fa-AF', 'fa'],
  ['tlh', undefined],
  ['x', undefined],
  ['not a tag', undefined],
  ['constructor', undefined],
  ['', undefined],
])('%j is answered with %s', (tag, name) => {
  expect(match(tag)?.name).toBe(name);
});

describe('choosing', () => {
  const asked: string[] = [];
  const later = (key: string) => key in enErrors || key in enLazy;
  /** The files as the build makes them (build/words.mjs); a wrong hash gets none. */
  const fetchData = async (file: string, sha256: string): Promise<never> => {
    asked.push(file);
    const [, name, more] = /^words-(.+?)(-more)?$/.exec(file) ?? [];
    if (sha256 !== (name ? `${name}${more ?? ''}` : 'test')) throw new Error(`${file} under ${sha256}`);
    if (!name) return names as never;
    const texts = await load(name);
    const others = Object.entries(texts).filter(([key]) => !(key in en));
    if (more) return Object.fromEntries(others.filter(([key]) => later(key))) as never;
    return [Object.keys(en).map((key) => texts[key] ?? ''), Object.fromEntries(others.filter(([key]) => !later(key))), `${name}-more`] as never;
  };
  const gone = () => Promise.reject(new Error('gone'));

  test('the first wanted language that there is', async () => {
    const words = await wordsFor(['tlh', 'de-AT', 'fr'], {}, fetchData);
    expect(words).toMatchObject({ send: 'Senden', name: 'de', lang: 'de-AT', dir: 'ltr' });
    expect(asked.splice(0)).toEqual(['languages-0', 'words-de']);
    expect(await wordsFor(['ar-EG'], {}, fetchData)).toMatchObject({ lang: 'ar-EG', dir: 'rtl' });
  });

  test('English asks for no file, and keeps its region for dates', async () => {
    expect(await wordsFor(['en-GB'], {}, gone)).toEqual({ ...english, lang: 'en-GB' });
    expect(await wordsFor([], {}, gone)).toEqual(english);
    expect(await wordsFor(['en-150', 'de'], {}, gone)).toEqual({ ...english, lang: 'en-150' });
  });

  test('what cannot be had or found is English', async () => {
    expect(await wordsFor(['de'], {}, gone)).toEqual(english);
    expect(await wordsFor(['tlh'], {}, fetchData)).toEqual(english);
  });

  test('what is said later is asked for once, when it is needed, and stays under the texts of the owner', async () => {
    const words = await wordsFor(['de'], { de: { cancel: 'Weg' } }, fetchData);
    expect(words.erase).toBeUndefined();
    await addLater(words, gone);
    expect(words.erase).toBeUndefined();
    asked.splice(0);
    await addLater(words, fetchData);
    await addLater(words, fetchData);
    expect(asked).toEqual(['words-de-more']);
    expect(words).toMatchObject({ ...(await load('de')), cancel: 'Weg' });
    const plain = await wordsFor(['en'], {}, gone);
    await addLater(plain, gone);
    expect(plain).toEqual(english);
  });

  test("the owner's texts go over the language's, the more special the later; what is no text is left out", async () => {
    const texts = {
      default: { send: 'Go', stop: 'Halt', hello: 'Hi' },
      de: { send: 'Los', stop: 'Stopp' },
      'de-AT': { send: 'Auffi' },
      fr: { send: 'Allez' },
    };
    expect(await wordsFor(['de-AT'], texts, fetchData)).toMatchObject({ send: 'Auffi', stop: 'Stopp', hello: 'Hi', retry: 'Noch einmal versuchen' });
    expect(await wordsFor(['en'], texts, gone)).toMatchObject({ send: 'Go', retry: 'Try again' });
    expect(await wordsFor(['zh-TW'], { 'zh-Hant': { send: '送' } }, fetchData)).toMatchObject({ send: '送', lang: 'zh-TW' });
    for (const odd of [null, 1, 'x', [], { default: 7, en: null }, { default: { send: 7, stop: {} } }])
      expect(await wordsFor(['en'], odd, gone)).toEqual(english);
  });

  test('what the element says goes before the setting, and `auto` asks the page, then the visitor', () => {
    vi.stubGlobal('document', { documentElement: { lang: 'pl' } });
    vi.stubGlobal('navigator', { languages: ['sv', 'en'] });
    const host = (lang: string, locale: string | null = null) => ({ lang, getAttribute: () => locale }) as unknown as HTMLElement;
    expect(wanted(host('fr', 'nl'), 'de')).toEqual(['nl', 'fr', 'de']);
    expect(wanted(host(''), 'de')).toEqual(['de']);
    expect(wanted(host(''), 'auto')).toEqual(['pl', 'sv', 'en']);
    vi.stubGlobal('document', { documentElement: { lang: '' } });
    expect(wanted(host(''), 'auto')).toEqual(['sv', 'en']);
    vi.unstubAllGlobals();
  });
});

describe('numbers', () => {
  const speak = async (lang: string) => ({ ...english, ...(await load(lang)), lang }) as typeof english;

  test.each([
    ['en', 1, '1 message left today'],
    ['en', 1200, '1,200 messages left today'],
    ['de', 1200, 'Heute noch 1.200 Nachrichten'],
    ['ru', 1, 'Сегодня осталось 1 сообщение'],
    ['ru', 3, 'Сегодня осталось 3 сообщения'],
    ['ru', 21, 'Сегодня осталось 21 сообщение'],
    ['ru', 11, 'Сегодня осталось 11 сообщений'],
    ['pl', 22, 'Dziś pozostały 22 wiadomości'],
    ['ar', 0, 'لم تتبقَّ أي رسالة اليوم'],
    ['ar', 2, 'تتبقى رسالتان اليوم'],
    ['ar', 11, 'تتبقى 11 رسالة اليوم'],
    ['fa', 3, 'امروز ۳ پیام باقی مانده'],
    ['ja', 3, '本日の残り 3 件'],
  ])('%s counts %d: %s', async (lang, n, said) => {
    expect(count(lang === 'en' ? english : await speak(lang), 'left', n)).toBe(said);
  });

  test.each([
    ['de', 45, '0:45'],
    ['de', 12_000, '3 Std. 20 Min.'],
    ['pl', 86_400 * 5, '5 dni'],
    ['fa', 65, '۱:۰۵'],
    ['ja', 3600, '1 時間'],
  ])('in %s, %d seconds are %s', (lang, seconds, said) => {
    expect(duration(seconds, lang).replaceAll('\u00a0', ' ')).toBe(said);
  });

  test.each(['en', ...names])('in %s, the wait reads well for seconds, hours and days', async (lang) => {
    const words = lang === 'en' ? english : await speak(lang);
    for (const seconds of [65, 12_000, 86_400 * 5]) {
      const said = fill(words.wait, { time: duration(seconds, lang) });
      expect(said).not.toMatch(/\.\.|[{}]/);
      expect(said.length).toBeGreaterThan(words.wait.length - 6);
    }
  });

  test('a place without a value stays as it is', () => {
    expect(fill('{a} {b}', { a: '$& {b}' })).toBe('$& {b} {b}');
  });
});

/** What operators are told: no visitor asks for it. */
const OFFICE = ['authentication_required', 'invalid_token', 'api_key_in_browser', 'invalid_credentials', 'second_factor_required', 'forbidden', 'conflict'];

/** A bug of the widget or the gateway, or answered by the widget itself: nothing that a visitor can act on. */
const UNSAID = /^(unsupported_media_type|method_not_allowed|not_acceptable|misdirected_request|headers_too_large|invalid_widget_id|invalid_proof|token_expired|idempotency_key_reused|internal_server_error)$/;

test('every error code of the gateway that a visitor can do something about has words of its own', () => {
  const documented = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
  const codes = [...documented.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(25);
  for (const code of codes.filter((one) => !OFFICE.includes(one))) expect(errorText(code, { ...english, ...enErrors }) === english['error.other'], code).toBe(UNSAID.test(code));
  expect(errorText('content_filtered', english, 'Said by the gateway.')).toBe('Said by the gateway.');
  for (const odd of ['', 'other', 'constructor', 'toString', 'no_such_code']) expect(errorText(odd, english)).toBe(english['error.other']);
});
