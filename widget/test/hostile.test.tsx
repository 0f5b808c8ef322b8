// Does every hostile text become allowed nodes only: whole, cut in two anywhere, and as the bytes of a stream?
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/contract/config';
import { parseLook } from '../src/contract/look';
import { BlockSplitter } from '../src/markdown/blocks';
import { decode } from '../src/markdown/entities';
import { render } from '../src/markdown/render';
import { lex } from '../src/markdown/tokens';
import { plainOf } from '../src/panel/rich';
import { EventReader } from '../src/talk/events';
import { json, parseDelta, parseSources } from '../src/talk/parse';
import { hostile } from './hostile';
import { setting, show } from './shown';

const CASES = hostile();
const FAMILIES = [...new Set(CASES.map(({ family }) => family))];

/** Every place; of the very long texts, which are one thing repeated, those around its start and a few more. */
function* places(text: string): Generator<number> {
  for (let at = 0; at <= text.length; at += at < 400 ? 1 : 977) yield at;
}

const whole = (text: string): string => show(render(lex(text), setting));

test('the collection is as large as it says', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(600);
  expect(FAMILIES.length).toBeGreaterThanOrEqual(20);
  expect(new Set(CASES.map(({ text }) => text)).size).toBe(CASES.length);
});

test('a hundred thousand characters of each repetition are parsed, as parsing takes time like the length and not like its square', () => {
  for (const { text } of CASES.filter(({ family }) => family === 'size and depth')) whole(text.repeat(Math.ceil(100_000 / text.length)));
}, 30_000);

test('so do beginnings that never come to their end, also while they stream', () => {
  const pumps: readonly (readonly [string, string, string])[] = [
    ['', 'a.', '@'],
    ['- a\n', '  b\n', ''],
    ['a', '\n ', 'b'],
    ['a', '\n', 'b'],
    ['x', ' ', 'x'],
    ['', '[', '.'],
    ['', '<', ''],
    ['a', ' ', '|'],
    ['', '| a ', ''],
    ['', '`', ' '],
  ];
  for (const [start, again, end] of pumps) {
    const text = start + again.repeat(200_000 / again.length) + end;
    whole(text);
    new BlockSplitter().split(text, true);
    plainOf(text);
    decode(text);
  }
}, 30_000);

describe.each(FAMILIES)('%s', (name) => {
  const texts = CASES.filter(({ family }) => family === name).map(({ text }) => text);

  test('becomes allowed nodes', () => {
    for (const text of texts) whole(text);
  });

  test('grows through allowed nodes only, cut in two at every place, and ends as it would in one piece', () => {
    for (const text of texts) {
      const expected = whole(text);
      for (const at of places(text)) {
        const splitter = new BlockSplitter();
        const half = splitter.split(text.slice(0, at), true);
        show(render([...half.settled, ...half.open], setting));
        const { settled, open } = splitter.split(text, false);
        expect(show(render([...settled, ...open], setting)), `cut at ${at}: ${text.slice(0, 200)}`).toBe(expected);
      }
    }
  }, 30_000);

  test('grows one character after the other', () => {
    for (const text of texts) {
      const splitter = new BlockSplitter();
      for (const at of places(text)) {
        const { settled, open } = splitter.split(text.slice(0, at), true);
        show(render([...settled, ...open], setting));
      }
      const { settled, open } = splitter.split(text, false);
      expect(show(render([...settled, ...open], setting)), text.slice(0, 200)).toBe(whole(text));
    }
  }, 30_000);

  test('is one delta of a stream that is cut between any two bytes, and never an event of its own', () => {
    for (const text of texts) {
      const bytes = new TextEncoder().encode(`event: delta\ndata: ${JSON.stringify({ text })}\n\nevent: done\ndata: {}\n\n`);
      for (const at of places(text)) {
        const seen: string[] = [];
        let told = '';
        const reader = new EventReader(({ name: event, data }) => {
          seen.push(event);
          if (event === 'delta') told += parseDelta(json(data));
        });
        reader.push(bytes.subarray(0, at));
        reader.push(bytes.subarray(at));
        expect(seen).toEqual(['delta', 'done']);
        expect(told).toBe(text);
      }
    }
  });

  test('stays bounded text in settings and sources, and touches no prototype', () => {
    for (const text of texts) {
      const values = { '--fill': text, [`--${text}`]: "image-set('leak' 1x)", [text]: text };
      const raw = {
        ...Object.fromEntries(['title', 'greeting', 'disclosure', 'locale', 'theme', text].map((key) => [key, text])),
        suggestions: [text],
        theme: { scheme: text, position: text, shape: values, light: values, dark: text },
        launcher: { label: text, style: text, icon: [text] },
        content: { html_answers: text, html_greeting: text, image_hosts: [text] },
      };
      const look = parseLook(json(JSON.stringify(raw)));
      for (const [name, value] of Object.entries({ ...look.theme.shape, ...look.theme.light })) {
        expect(name).toMatch(/^--/);
        expect(value).not.toMatch(/[/:;]|(url|src|image[-\w]*)\(/i);
      }
      const config = parseConfig(json(JSON.stringify(raw)));
      expect(config.greeting.length).toBeLessThanOrEqual(600);
      expect(config.content).toMatchObject({ htmlAnswers: false, htmlGreeting: false });
      const [source] = parseSources(json(JSON.stringify([{ index: 1, title: text, url: text, excerpt: text }])));
      expect(source!.title.length + source!.excerpt.length).toBeLessThanOrEqual(800);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
  });
});
