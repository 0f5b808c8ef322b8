// Does a screen reader hear whole sentences, each once?
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Announcer } from '../src/panel/announcer';
import { newExchange, type Exchange } from '../src/talk/exchange';
import { trouble } from '../src/talk/trouble';
import { english } from './english';

let heard: string[];
let voice: Announcer;
let exchange: Exchange;

beforeEach(() => {
  vi.useFakeTimers();
  heard = [];
  voice = new Announcer((text) => heard.push(text));
  exchange = newExchange('Hello');
});

afterEach(() => {
  voice.end();
  vi.useRealTimers();
});

function grow(text: string, phase: Exchange['phase'] = 'streaming'): void {
  exchange.answer += text;
  exchange.phase = phase;
  voice.hear(exchange, english);
  vi.advanceTimersByTime(1000);
}

test('tokens are silent until their sentence is whole', () => {
  exchange.sources = [{ index: 1, title: 'Shipping', url: '', excerpt: '' }];
  for (const piece of ['Deliv', 'ery takes ', '**two** days [1]', '. ', 'Then', ' it rings']) grow(piece);
  expect(heard).toEqual(['Delivery takes two days.']);
  grow('', 'done');
  expect(heard).toEqual(['Delivery takes two days.', 'Then it rings']);
});

test('waiting is said once', () => {
  grow('', 'waiting');
  grow('', 'waiting');
  grow('Yes.', 'done');
  expect(heard).toEqual(['The assistant is writing', 'Yes.']);
});

test('a lost connection is said once each time, and the text before it only once', () => {
  grow('One. ');
  grow('', 'reconnecting');
  grow('', 'reconnecting');
  grow('Two. ');
  grow('', 'reconnecting');
  grow('Three.', 'done');
  expect(heard).toEqual(['One.', 'Connecting again…', 'Two.', 'Connecting again…', 'Three.']);
});

test('an answer is heard once', () => {
  grow('Yes. ', 'done');
  grow('', 'done');
  expect(heard).toEqual(['Yes.']);
});

test('what is asked for again is heard again, also when it fails again', () => {
  exchange.trouble = trouble('processing_error', { message: 'The assistant could not answer.' });
  grow('Half. ', 'failed');
  heard = [];
  exchange.since++;
  grow('', 'failed');
  expect(heard).toEqual(['Half. The assistant could not answer.']);
  heard = [];
  exchange.since++;
  exchange.answer = '';
  grow('', 'sending');
  grow('Whole. ', 'streaming');
  grow('', 'done');
  expect(heard).toEqual(['Whole.']);
});

test('a failure is said in words', () => {
  exchange.trouble = trouble('processing_error', { message: 'The assistant could not answer.' });
  grow('', 'failed');
  expect(heard).toEqual(['The assistant could not answer.']);
});

/** All that is heard of an answer that comes one character at a time. */
function hear(text: string): string {
  for (const character of text) {
    exchange.answer += character;
    exchange.phase = 'streaming';
    voice.hear(exchange, english);
  }
  grow('', 'done');
  vi.advanceTimersByTime(10_000);
  return heard.join(' ').replace(/\s+/g, ' ');
}

test.each([
  ['2*3=6 pounds, order #4521, first_last@example.org, ~5 days. Yes.', '2*3=6 pounds, order #4521, first_last@example.org, ~5 days. Yes.'],
  ['It is > 3 and < 5. a_b_c stays. 5 * 3 is 15.', 'It is > 3 and < 5. a_b_c stays. 5 * 3 is 15.'],
  ['This is **very. Nice** day. And *so. On*. End.', 'This is very. Nice day. And so. On. End.'],
  ['# Title\n\nFirst. Second.\n\n- one\n- two\n\nLast.', 'Title First. Second. one two Last.'],
  ['Run this:\n\n```python\nprint(1). \nx = 2\n```\n\nDone.', 'Run this: Code python Done.'],
  ['```\nsecret code\n```', 'Code'],
  ['- [x] Grind. Fine.\n- [ ] Brew', '☑ Grind. Fine. ☐ Brew'],
  ['| To | Price |\n| --- | --- |\n| UK | £3 |\n| Norway | £9 |\n\nThat is all.', 'To, Price, UK, £3, Norway, £9, That is all.'],
  ['See [our page](https://shop.example/ship). A &amp; B. `a_b*c`.', 'See our page (shop.example). A & B. a_b*c.'],
  ['> Quoted. Text.\n\n1. one\n2. two', 'Quoted. Text. one two'],
])('what is heard is what is drawn: %s', (answer, wanted) => {
  expect(hear(answer)).toBe(wanted);
});

test('the text of an answer that was HTML is no Markdown', () => {
  exchange.html = '<p>2*3*4 is 24</p>';
  grow('2*3*4 is 24', 'done');
  expect(heard).toEqual(['2*3*4 is 24']);
});

test.each(['a', 'word ', '[', ' ', '\n', 'a.'])('an answer of %j again and again is listened to in time like its length, as more would take minutes here', (again) => {
  for (let at = 0; at < 40_000; at += 100) grow(again.repeat(100 / again.length));
  grow('', 'done');
  expect(heard.length > 0).toBe(again.trim() !== '');
}, 20_000);
