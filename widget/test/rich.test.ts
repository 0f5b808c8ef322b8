// What becomes of an answer that is HTML, before any of it is drawn? (Cleaning needs a browser: tests/browser/test_rich_html.py.)
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../src/contract/config';
import { enricher, plainOf } from '../src/panel/rich';
import { english as en } from './english';
import { event, hangUp, startGateway, stream, type Gateway, type Reply } from './gateway';
import { Visitor } from './visitor';

const HTML = '<p>One <b>bold</b> word.</p><p>Two &amp; three.</p>';

const html = (...pieces: string[]): Reply =>
  stream(
    event('start', { message_id: 'msg_1', conversation_id: 'conv_1', format: 'html' }, 0),
    ...pieces.map((text, i) => event('delta', { text }, pieces.slice(0, i + 1).join('').length)),
    event('done', { finish_reason: 'stop' }),
  );

const enrich = async (source: string) => ({ answer: plainOf(source), drawn: `nodes of ${source}` });

let gateway: Gateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
  expect(gateway.faults).toEqual([]);
});

describe('an answer that is HTML', () => {
  test('is drawn once, when it is whole, and is plain text to those who copy or listen', async () => {
    gateway.on('POST /api/chat', html(HTML.slice(0, 9), HTML.slice(9)));
    const seen: string[] = [];
    const visitor = new Visitor(gateway, { enrich: async (source) => (seen.push(source), enrich(source)) });
    const exchange = await visitor.ask();
    expect(exchange).toMatchObject({ phase: 'done', answer: 'One bold word.\nTwo & three.', drawn: `nodes of ${HTML}` });
    expect(seen).toEqual([HTML]);
    visitor.chat.end();
  });

  test('is text like any other where the owner allows none', async () => {
    gateway.on('POST /api/chat', html(HTML));
    const visitor = new Visitor(gateway);
    expect(await visitor.ask()).toMatchObject({ phase: 'done', answer: HTML, html: null, drawn: null });
    visitor.chat.end();
  });

  test('shows as much as has come when the connection does not come back, and begins anew when it is asked for again', async () => {
    gateway.on('POST /api/chat', stream(event('start', { message_id: 'msg_1', conversation_id: 'conv_1', format: 'html' }), event('delta', { text: '<p>Half</p>' }, 11)));
    gateway.on('GET /api/chat/msg_1/stream', hangUp);
    const visitor = new Visitor(gateway, { enrich });
    await visitor.ask();
    await visitor.until(() => visitor.last.drawn !== null);
    expect(visitor.last).toMatchObject({ phase: 'failed', answer: 'Half', drawn: 'nodes of <p>Half</p>' });
    gateway.on('POST /api/chat', html(HTML));
    await visitor.retry();
    expect(visitor.last).toMatchObject({ phase: 'done', drawn: `nodes of ${HTML}` });
    visitor.chat.end();
  });
});

test('without the rich file, lines of plain text are drawn', async () => {
  const { answer, drawn } = await enricher(() => Promise.reject(new Error('gone')), [], () => en)(HTML);
  expect(answer).toBe('One bold word.\nTwo & three.');
  expect((drawn as { props: { children: string } }[]).map(({ props }) => props.children)).toEqual(answer.split('\n'));
});

test.each([
  ['<h1>A</h1><ul><li>b</li><li>c</li></ul>', 'A\nb\nc'],
  ['a<br>b &lt;i&gt;', 'a\nb <i>'],
  ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
  ['<img src=x alt=cat>', ''],
  ['<'.repeat(100_000), '<'.repeat(100_000)],
])('HTML is read without its tags (%#)', (source, text) => {
  expect(plainOf(source)).toBe(text);
});

test('an answer of pictures alone is still one', async () => {
  const { answer } = await enricher(() => Promise.reject(new Error('gone')), [], () => en)('<img src=x>');
  expect(answer).toBe(en.image);
});

test('only true turns HTML on, and only hosts are hosts of pictures', () => {
  const of = (content: unknown) => parseConfig({ content }).content;
  const off = { htmlAnswers: false, htmlGreeting: false, imageHosts: [] };
  for (const nothing of [undefined, null, 'true', { html_answers: 'true', html_greeting: 1 }]) expect(of(nothing)).toEqual(off);
  expect(of({ html_answers: true, html_greeting: true, image_hosts: ['a.example:8443', 'https://b.example', 'c/d', '*', 7] })).toEqual({
    htmlAnswers: true,
    htmlGreeting: true,
    imageHosts: ['a.example:8443'],
  });
});
