// What do both builds and the tests share? JSX, constants, and the removal of Preact's only HTML sink.
import { readFileSync } from 'node:fs';

export const VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

export const oxc = { jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } };

/** Preact's code for `dangerouslySetInnerHTML`, as it is in its 11.2.0 file. */
const SINKS = [
  ['h?(l||y&&(h.__html==y.__html||h.__html==t.innerHTML)||(t.innerHTML=h.__html),r.__k=[]):(', '('],
  ['"dangerouslySetInnerHTML"==s?y=k:', ''],
  ['"dangerouslySetInnerHTML"==s?h=k:', ''],
];

/** marked's file ends with a ready-made parser to HTML. Nothing of ours uses it, and without it the rest falls away. */
function lexerOnly(code) {
  const end = /var (\w+)=new (\w+);function (\w+)\(\w,\w\)\{return \1\.parse\([\s\S]*?export\{([^}]*)\};?/;
  const exported = (name) => new RegExp(`([\\w$]+) as ${name}[,}]`).exec(`${end.exec(code)?.[4]}}`)?.[1];
  const [lexer, tokenizer] = [exported('Lexer'), exported('Tokenizer')];
  if (!lexer || !tokenizer) throw new Error('marked changed: look at build/options.mjs');
  return { code: code.replace(end, `export{${lexer} as Lexer,${tokenizer} as Tokenizer};`), map: null };
}

/** The widget has no HTML sink, so its bundle has none either. Another Preact that looks different stops the build. */
export const withoutHtmlSink = () => ({
  name: 'without-html-sink',
  transform(code, id) {
    if (/marked[/\\]lib[/\\]marked\.esm\.js$/.test(id)) return lexerOnly(code);
    if (!/preact[/\\]dist[/\\]preact\.mjs$/.test(id)) return null;
    for (const [sink, instead] of SINKS) {
      if (code.split(sink).length !== 2) throw new Error(`Preact changed: cannot find ${sink} once; look at build/options.mjs`);
      code = code.replace(sink, instead);
    }
    return { code, map: null };
  },
});
