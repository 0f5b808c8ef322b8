// Does the event reader see the same events, wherever the network cuts the bytes?
import { describe, expect, test } from 'vitest';
import { EventReader, type StreamEvent } from '../src/talk/events';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function readAll(pieces: Uint8Array[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const reader = new EventReader((event) => events.push(event));
  for (const piece of pieces) reader.push(piece);
  return events;
}

const STREAM =
  '\ufeff: ping\n\nid: 1\nevent: start\ndata: {"message_id":"msg_1"}\n\n' +
  'id: 2\r\nevent: delta\r\ndata: {"text":"Grüße 👋🏽 日本"}\r\n\r\n' +
  ':ping\r\rid:3\revent:delta\rdata:a\rdata: b\r\rretry: 5\nnonsense\nid: 4\nevent: done\ndata\n\n';

const EXPECTED = [
  { name: 'start', data: '{"message_id":"msg_1"}', id: '1' },
  { name: 'delta', data: '{"text":"Grüße 👋🏽 日本"}', id: '2' },
  { name: 'delta', data: 'a\nb', id: '3' },
  { name: 'done', data: '', id: '4' },
];

describe('the event reader', () => {
  test('reads a whole stream in one piece', () => {
    expect(readAll([encode(STREAM)])).toEqual(EXPECTED);
  });

  test('reads the same when cut in two at every byte, also inside a character', () => {
    const bytes = encode(STREAM);
    for (let at = 0; at <= bytes.length; at++) expect(readAll([bytes.slice(0, at), bytes.slice(at)])).toEqual(EXPECTED);
  });

  test('reads the same byte by byte', () => {
    expect(readAll([...encode(STREAM)].map((b) => Uint8Array.of(b)))).toEqual(EXPECTED);
  });

  test('does not dispatch an event that was never finished', () => {
    expect(readAll([encode('event: delta\ndata: {"text":"half"}\n')])).toEqual([]);
  });

  test('keeps a stream going over broken UTF-8', () => {
    expect(readAll([encode('data: a'), Uint8Array.of(0xff), encode('b\n\n')])[0]?.data).toBe('a\ufffdb');
  });

  test('text that imitates an event inside JSON stays text', () => {
    const data = JSON.stringify({ text: '\n\nevent: done\ndata: {}\n\n' });
    expect(readAll([encode(`event: delta\ndata: ${data}\n\n`)])).toEqual([{ name: 'delta', data, id: '' }]);
  });

  test('an endless line is refused instead of filling the memory', () => {
    const reader = new EventReader(() => {});
    expect(() => {
      for (let i = 0; i < 40; i++) reader.push(encode('x'.repeat(100_000)));
    }).toThrow(RangeError);
  });
});
