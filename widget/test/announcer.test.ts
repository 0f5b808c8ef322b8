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
