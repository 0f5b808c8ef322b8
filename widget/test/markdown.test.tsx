// Do hostile answers stay text, and good ones become the right nodes?
import { h, type ComponentChild, type VNode } from 'preact';
import { describe, expect, test } from 'vitest';
import { BlockSplitter } from '../src/markdown/blocks';
import { cited, cut } from '../src/markdown/citations';
import { decode } from '../src/markdown/entities';
import { target } from '../src/markdown/links';
import { mend } from '../src/markdown/mend';
import { render, type Setting } from '../src/markdown/render';
import { lex } from '../src/markdown/tokens';

const setting: Setting = {
  known: new Set([1, 2]),
  cite: (index) => <sup>{index}</sup>,
  code: (text, language) => <pre class={language}>{text}</pre>,
  words: { image: 'Image', table: 'Table' },
};

const ALLOWED = new Set(
  'p strong em del code br hr h3 blockquote pre ul ol li span div table thead tbody tr th td a sup'.split(' '),
);

/** Nodes as a short text: <a href=…>…</a>; fails on any element that is not on the list. */
function show(child: ComponentChild): string {
  if (child === null || child === undefined || typeof child === 'boolean') return '';
  if (Array.isArray(child)) return child.map(show).join('');
  if (typeof child !== 'object') return String(child).replaceAll('<', '‹');
  const { type, props } = child as VNode<Record<string, unknown>>;
  if (typeof type !== 'string') return show(props.children as ComponentChild);
  expect(ALLOWED).toContain(type);
  const { children, href, ...rest } = props;
  expect(Object.keys(rest).filter((name) => /^on|style|src|dangerously/i.test(name))).toEqual([]);
  if (type === 'a') {
    expect(String(href)).toMatch(/^(https?:\/\/|mailto:|tel:)/);
    expect(rest).toMatchObject({ rel: 'noopener noreferrer nofollow ugc', target: '_blank' });
  }
  return `<${type}${href ? ` ${String(href)}` : ''}>${show(children as ComponentChild)}</${type}>`;
}

const html = (text: string): string => show(render(lex(text), setting));

describe('Markdown', () => {
  test.each([
    ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
    ['# One', '<h3>One</h3>'],
    ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
    ['3. a', '<ol><li>a</li></ol>'],
    ['```js\nlet a = "<b>";\n```', '<pre>let a = "‹b>";</pre>'],
    ['> q', '<blockquote><p>q</p></blockquote>'],
    ['a  \nb', '<p>a<br></br>b</p>'],
    ['Tom &amp; Jerry &#x263A; `&amp;`', '<p>Tom & Jerry ☺ <code>&amp;</code></p>'],
    ['[x](https://a.example/b?c=1&amp;d=2)', '<p><a https://a.example/b?c=1&d=2>x<span> (a.example)</span></a></p>'],
    ['https://a.example/x', '<p><a https://a.example/x>https://a.example/x</a></p>'],
    ['me@a.example', '<p><a mailto:me@a.example>me@a.example</a></p>'],
    ['![cat](https://a.example/c.png)', '<p><a https://a.example/c.png>Image: cat<span> (a.example)</span></a></p>'],
    ['See [1], [1, 2] and [7].', '<p>See<span><sup>1</sup>,</span><span><sup>1</sup></span><span><sup>2</sup></span> and.</p>'],
    ['- [x] a', '<ul><li><span>☑ </span>a</li></ul>'],
  ])('%j', (text, expected) => {
    expect(html(text)).toBe(expected);
  });

  test('a table becomes a table in a box that scrolls', () => {
    expect(html('| a | b |\n|---|--:|\n| 1 | 2 |')).toBe(
      '<div><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>',
    );
  });

  test('a definition cannot turn a citation into another link', () => {
    expect(html('Yes [1].\n\n[1]: https://evil.example')).toContain('<sup>1</sup>');
  });
});

const HOSTILE = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg/onload=alert(1)>', '<a href="javascript:alert(1)">x</a>',
  '<iframe src="https://evil.example"></iframe>', '<style>*{display:none}</style>', '<!-- --><script>', '<![CDATA[<b>]]>', '<?php ?>',
  '[x](javascript:alert(1))', '[x](JaVaScRiPt:alert(1))', '[x](java&#115;cript:alert(1))', '[x](java\tscript:alert(1))',
  '[x](<java\nscript:alert(1)>)', '[x](&#x6A;avascript:alert(1))', '[x](vbscript:x)', '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](blob:https://a.example/1)', '[x](file:///etc/passwd)', '[x](//evil.example)', '[x](/relative)', '[x](\\\\evil.example)',
  '[x](https://bank.example@evil.example/)', '[x](https:\\\\evil.example)', '![x](javascript:alert(1))', '<javascript:alert(1)>',
  '[x]: javascript:alert(1)\n\n[x]', '[a](https://a.example "onmouseover=alert(1)")', '[a](https://a.example/"onmouseover="alert(1))',
  '```"><script>alert(1)</script>\nx\n```', '``` onload=alert(1)\nx\n```', '| <script> |\n|---|\n| <img src=x onerror=1> |',
  '- <script>\n  - <b onclick=x>', '&lt;script&gt;alert(1)&lt;/script&gt;', '&#60;script&#62;', '[<img src=x>](https://a.example)',
  '**<script>**', '`<script>`', '<div onclick="x">**b**</div>', '<p\nstyle="x">', '[](javascript:x)', '[ ](https://a.example)',
  '\u202ehttps://evil.example', '<https://a.example/<script>>', '[x](https://a.example/\u0000)', '<math><mi//xlink:href="data:x,<script>">',
  '>'.repeat(3000), '['.repeat(3000), '*'.repeat(3000), '`'.repeat(3001), '<'.repeat(3000), '- '.repeat(500), '> - '.repeat(400),
  '![['.repeat(1000), '[a]('.repeat(1000), '_a*'.repeat(1000), '|'.repeat(1000), '\\'.repeat(1001), '&'.repeat(1000), '~'.repeat(1000),
];

describe('hostile Markdown', () => {
  test.each(HOSTILE)('%j becomes allowed nodes only', (text) => {
    const seen = html(text);
    expect(seen).not.toMatch(/<a (?!https?:|mailto:|tel:)/);
  });

  test.each(HOSTILE.filter((text) => text.length < 100))('%j is as harmless cut anywhere while it streams', (text) => {
    const splitter = new BlockSplitter();
    for (let at = 0; at <= text.length; at++) {
      const { settled, open } = splitter.split(text.slice(0, at), true);
      show(render([...settled, ...open], setting));
    }
  });

  test('raw HTML is shown as what it is', () => {
    expect(html('a <b onclick=x>bold</b>')).toBe('<p>a ‹b onclick=x>bold‹/b></p>');
  });
});

describe('streaming', () => {
  const TEXT =
    '# Title\n\nOne **bold** word [1].\n\n- a\n- b\n\n- c after a gap\n\n```js\nlet a = 1;\n\nlet b;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\nThe *end*.';

  test('ends with what parsing at once gives, however it was cut', () => {
    for (const step of [1, 2, 3, 7, 50]) {
      const splitter = new BlockSplitter();
      for (let at = 0; at < TEXT.length; at += step) splitter.split(TEXT.slice(0, at), true);
      const { settled, open } = splitter.split(TEXT, false);
      expect(show(render([...settled, ...open], setting))).toBe(html(TEXT));
    }
  });

  test('settled blocks are kept as they are and not parsed again', () => {
    const splitter = new BlockSplitter();
    const first = splitter.split('One.\n\nTwo.\n\nThree', true).settled.slice();
    expect(first.length).toBeGreaterThan(0);
    const second = splitter.split('One.\n\nTwo.\n\nThree and more', true).settled;
    first.forEach((block, i) => expect(second[i]).toBe(block));
  });

  test.each([
    ['a **bo', 'a **bo**'],
    ['a *it', 'a *it*'],
    ['a `co', 'a `co`'],
    ['see [the page](https://exa', 'see the page'],
    ['so [1', 'so '],
    ['a **', 'a '],
    ['done **b** and *i*', 'done **b** and *i*'],
    ['```\nlet **a', '```\nlet **a'],
    ['* item', '* item'],
    ['x\n\n| a | b', 'x\n\n| a | b\n|---|---|'],
    ['x\n\n| a | b |\n|--', 'x\n\n| a | b |\n|---|---|'],
  ])('%j is mended to %j', (half, whole) => {
    expect(mend(half)).toBe(whole);
  });
});

test('a citation of a source that does not exist is left out', () => {
  expect(cut('a [1][2] b [3] [1,9] c [0]', new Set([1, 2]))).toEqual(['a', 1, 2, ' b', 1, ' c [0]']);
  expect(cut('Yes [3].', new Set([1])).join('')).toBe('Yes.');
  expect([...cited('x [2] y', new Set([1, 2]))]).toEqual([2]);
});

test('without any source, brackets are text', () => {
  expect(cut('Take list[3] [1].', new Set())).toEqual(['Take list[3] [1].']);
});

test('entities never make up characters that do not exist', () => {
  expect(decode('&amp;&lt;&nope;&#0;&#xD800;&#x110000;&constructor;')).toBe('&<&nope;\ufffd\ufffd\ufffd&constructor;');
});

test('only absolute addresses of four schemes are links', () => {
  expect(target('https://www.a.example/x')).toEqual({ href: 'https://www.a.example/x', host: 'a.example' });
  expect(target('tel:+4912345')).toEqual({ href: 'tel:+4912345', host: '' });
  for (const bad of ['javascript:1', ' https://a.example', 'a.example', '//a', 'https://u:p@a.example', 'http:', '']) expect(target(bad)).toBe(null);
});
