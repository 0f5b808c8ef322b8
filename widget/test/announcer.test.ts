// Does a screen reader hear whole sentences, each once?
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Announcer } from '../src/panel/announcer';
import { newExchange, type Exchange } from '../src/talk/exchange';
import { trouble } from '../src/talk/trouble';
import { en } from '../src/words/en';

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
  voice.hear(exchange, en);
  vi.advanceTimersByTime(1000);
}

test('tokens are silent until their sentence is whole', () => {
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

test('an answer is heard once', () => {
  grow('Yes. ', 'done');
  grow('', 'done');
  expect(heard).toEqual(['Yes.']);
});

test('a failure is said in words', () => {
  exchange.trouble = trouble('processing_error');
  grow('', 'failed');
  expect(heard).toEqual(['The assistant could not answer. Your message is kept.']);
});
