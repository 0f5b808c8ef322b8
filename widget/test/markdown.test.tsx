// Does Markdown become the right nodes, also while it streams? (Hostile texts: hostile.test.tsx.)
import { describe, expect, test } from 'vitest';
import { BlockSplitter } from '../src/markdown/blocks';
import { cited, cut } from '../src/markdown/citations';
import { decode } from '../src/markdown/entities';
import { target } from '../src/markdown/links';
import { mend } from '../src/markdown/mend';
import { render } from '../src/markdown/render';
import { lex } from '../src/markdown/tokens';
import { setting, show } from './shown';

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

test('raw HTML is shown as what it is', () => {
  expect(html('a <b onclick=x>bold</b>')).toBe('<p>a ‹b onclick=x>bold‹/b></p>');
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
  expect(target('https://www.a.example/x')).toEqual({ href: 'https://www.a.example/x', place: 'a.example' });
  expect(target('tel:+4912345')).toEqual({ href: 'tel:+4912345', place: '+4912345' });
  // Shown as it is written: what it would be decoded could read as another address, or be nothing at all.
  expect(target('mailto:%ff@x.example')).toEqual({ href: 'mailto:%ff@x.example', place: '%ff@x.example' });
  expect(target('mailto:%E2%80%AEelpmaxe@x.example')?.place).toMatch(/^%E2%80%AE/);
  expect(target('mailto:a@b.example?bcc=evil@c.example')).toEqual({ href: 'mailto:a@b.example', place: 'a@b.example' });
  for (const bad of ['javascript:1', ' https://a.example', 'a.example', '//a', 'https://u:p@a.example', 'http:', '']) expect(target(bad)).toBe(null);
});

describe('where a link leads can be seen', () => {
  const shown = (markdown: string): string => show(render(lex(markdown), setting));

  test.each([
    '[https://www.paypal.com/login](https://pal.com/x)',
    '[Welcome to paypal.com](https://www.com/)',
    '[https://bank.com](https://k.co/)',
    '[https://bank.example/evil.example](https://evil.example/)',
    '[https://аpple.com](https://xn--pple-43d.com/)',
    '[Log in ![ ](https://bank.example "evil.example")](https://evil.example)',
    '[https://bank.example](mailto:a@evil.example)',
    '[0800 123](tel:+1900555)',
    '[`evil.example`](https://evil.example)',
  ])('%s: beside a label that is not exactly that', (markdown) => {
    expect(shown(markdown)).toMatch(/<span> \([\w+@.-]+\)<\/span><\/a>/);
  });

  test.each(['https://www.a.example/x', '[a.example](https://a.example/x)', '[www.a.example](https://a.example)', '<help@a.example>', '[+4930](tel:+4930)'])(
    '%s: by its label',
    (markdown) => {
      expect(shown(markdown)).not.toContain('<span>');
    },
  );

  test('nothing else can be followed inside of a link', () => {
    expect(shown('[our terms [1] ![x](https://b.example)](https://a.example)').match(/<(a|sup)/g)).toEqual(['<a']);
  });

  test('its label does not turn the reading direction around', () => {
    expect(shown('[\u202elpmaxe.live\u2066](https://evil.example) &#x202e;')).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  });
});

test('towers of marks are cut to a height that is drawn at once', () => {
  expect(show(render(lex(`o${'\u0301'.repeat(50_000)} and \`e${'\u0301'.repeat(5000)}\``), setting)).length).toBeLessThan(100);
  expect(decode('n\u0303 te\u0302\u0301t')).toBe('n\u0303 te\u0302\u0301t');
});
