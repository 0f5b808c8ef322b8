// Does marked, cut down to what the panel uses, still say what marked says?
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Lexer, Tokenizer } from 'marked';
import { beforeAll, describe, expect, test } from 'vitest';
import { lexerOnly } from '../build/marked.mjs';

const file = new URL('../node_modules/marked/lib/marked.esm.js', import.meta.url);
const corpora = process.env.CORPORA_DIR ?? new URL('../../../shared/corpora', import.meta.url).pathname;
const examples = join(corpora, 'commonmark_examples.json');

/** As src/markdown/tokens.ts does it. */
const lexWith = (from) => {
  class Plain extends from.Tokenizer {
    html() {}
    tag() {}
    def() {}
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
  '<div>\n**raw**\n</div>\n\na <b>c</b> <!-- d -->\n<script>\ne\n</script>',
  '[1]: https://evil.example\n\nSee [1] and [2][1] and ![3].\n',
  '```js\nlet a;\n```\n~~~\nb\n~~~\n    code\n\nSetext\n===\n\n* * *\nwww.a.example me@b.example <https://c.example> \\* &amp;',
  '*a **b* c** __d _e__ f_ ***g*** "*h*" [*i*](j) [k*l*](m)* `n*`*',
];

describe('the cut parser makes the same tokens', () => {
  test.each(TEXTS)('%j', (text) => {
    for (let end = 1; end <= text.length; end++) expect(cut(text.slice(0, end))).toEqual(whole(text.slice(0, end)));
  });

  test.skipIf(!existsSync(examples))('of every example of the CommonMark specification (CORPORA_DIR)', () => {
    const all = JSON.parse(readFileSync(examples, 'utf8'));
    expect(all.length).toBeGreaterThan(600);
    for (const { markdown } of all) expect(cut(markdown), markdown).toEqual(whole(markdown));
  });
});
