// Does marked, cut down to what the panel uses, still say what marked says? But for HTML, which is plain text and begins nothing.
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Lexer, Tokenizer } from 'marked';
import { beforeAll, describe, expect, test } from 'vitest';
import { lexerOnly } from '../build/marked.mjs';
import { decode } from '../src/markdown/entities';

const file = new URL('../node_modules/marked/lib/marked.esm.js', import.meta.url);
const corpora = process.env.CORPORA_DIR ?? new URL('../../../shared/corpora', import.meta.url).pathname;
const examples = join(corpora, 'commonmark_examples.json');

/** As src/markdown/tokens.ts does it. */
const lexWith = (from) => {
  class Plain extends from.Tokenizer {
    html() {}
    tag() {}
    def() {}
    lheading() {}
  }
  return (text) => new from.Lexer({ gfm: true, tokenizer: new Plain() }).lex(text);
};

const whole = lexWith({ Lexer, Tokenizer });
let cut;

beforeAll(async () => {
  const copy = join(mkdtempSync(join(tmpdir(), 'marked-')), 'cut.mjs');
  writeFileSync(copy, lexerOnly(readFileSync(file, 'utf8')).code.replace(/\n.*sourceMappingURL.*/, ''));
  cut = lexWith(await import(/* @vite-ignore */ pathToFileURL(copy).href));
});

const TEXTS = [
  '# A\n\nB **c** _d_ ~~e~~ `f`\n\n- [x] g\n- h\n  1. i\n\n> j\n> - k\n\n| l | m |\n|---|:-:|\n| `n` | [o](https://p.example "q") |\n',
  '[1]: https://evil.example\n\nSee [1] and [2][1] and ![3].\n',
  '```js\nlet a;\n```\n~~~\nb\n~~~\n    code\n\nSetext\n===\n\n* * *\nwww.a.example me@b.example <https://c.example> \\* &amp;',
  '*a **b* c** __d _e__ f_ ***g*** "*h*" [*i*](j) [k*l*](m)* `n*`*',
];

/** Without what only marked's own HTML output asks for, and as the panel decodes it. */
const UNUSED = ['escaped', 'codeBlockStyle'];
const plain = (tokens) =>
  JSON.parse(
    JSON.stringify(tokens, (key, value) => {
      if (UNUSED.includes(key)) return undefined;
      if (Array.isArray(value)) return value.filter((one) => one?.type !== 'checkbox');
      return key === 'text' && typeof value === 'string' ? decode(value) : value;
    }),
  );
const written = (tokens) => tokens.map(({ raw }) => raw).join('');

/** Where marked sees a tag, a comment or the like. */
const HTML = /<[a-z/!?]/i;

describe('the cut parser makes the same tokens', () => {
  test.each(TEXTS)('%j', (text) => {
    for (let end = 1; end <= text.length; end++) expect(plain(cut(text.slice(0, end)))).toEqual(plain(whole(text.slice(0, end))));
  });

  test.skipIf(!existsSync(examples))('of every example of the CommonMark specification that has no HTML (CORPORA_DIR)', () => {
    const all = JSON.parse(readFileSync(examples, 'utf8')).filter(({ markdown }) => !HTML.test(markdown));
    expect(all.length).toBeGreaterThan(500);
    for (const { markdown } of all) expect(plain(cut(markdown)), markdown).toEqual(plain(whole(markdown)));
  });

  test.skipIf(!existsSync(examples))('and loses nothing of those that have HTML', () => {
    for (const { markdown } of JSON.parse(readFileSync(examples, 'utf8'))) expect(written(cut(markdown)).length, markdown).toBe(written(whole(markdown)).length);
  });
});

test('HTML is text like any other: it ends no paragraph, list or emphasis', () => {
  expect(cut('a\n<div>\n**b**\n</div>').map(({ type, raw }) => [type, raw])).toEqual([['paragraph', 'a\n<div>\n**b**\n</div>']]);
  expect(cut('*a <b c="*"> d*')[0].tokens[0].type).toBe('em');
  expect(cut('<https://a.example>')[0].tokens[0].type).toBe('link');
});
