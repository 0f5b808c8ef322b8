// What of marked goes into the panel? Its lexer with the options that we use, and its rules as finished expressions.
import { Lexer } from 'marked';

/** What `find` finds in `code`; another marked that looks different stops the build. */
function need(code, find, what) {
  const found = find.exec(code);
  if (!found) throw new Error(`marked changed: cannot find ${what}; look at build/marked.mjs`);
  return found;
}

/** The options of `lex()` (src/markdown/tokens.ts) as constants: what they switch off is dead code, and falls away. */
const OPTIONS = { pedantic: '!1', breaks: '!1', gfm: '!0', silent: '!1', extensions: 'null', hooks: 'null' };

/** Methods that `PlainTokenizer` overrides, each with the one that follows it in marked's file. */
const OVERRIDDEN = { html: 'def', def: 'table', tag: 'link' };

/** Without `def` no reference has a target: no mask for references, no look-up, no search for links in them. */
const REFERENCES = [
  [/this\.tokens\.links(?=&&)/, '!1'],
  [/(?<=let \w=)\w\[\w+\(\w\[2\]\|\|\w\[1\]\)\](?=;if)/, 'null'],
  [/linkInText\(\w\)\{.*?\}(?=inlineTokens\(\w,)/s, ''],
];

/**
 * marked's file without what nothing of ours uses. The same text becomes the same tokens: test/marked.test.mjs compares.
 * marked puts its rules together out of parts when it starts; that is done here, once, with marked's own code.
 */
export function lexerOnly(code) {
  // The file ends with a ready-made parser to HTML.
  const [end, , , , names] = need(code, /var (\w+)=new (\w+);function (\w+)\(\w,\w\)\{return \1\.parse\([\s\S]*?export\{([^}]*)\};?/, 'the end');
  const exported = (name) => `${need(`${names},`, new RegExp(`([\\w$]+) as ${name},`), name)[1]} as ${name}`;
  code = code.replace(end, `export{${exported('Lexer')},${exported('Tokenizer')}};`);
  for (const [name, value] of Object.entries(OPTIONS)) code = code.replaceAll(`this.options.${name}`, `(${value})`);
  for (const [name, next] of Object.entries(OVERRIDDEN)) {
    const [method] = need(code, new RegExp(`(?<=\\})${name}\\(\\w\\)\\{.*?\\}(?=${next}\\(\\w\\)\\{)`, 's'), `the method ${name}`);
    code = code.replace(method, `${name}(){}`);
  }
  for (const [part, instead] of REFERENCES) {
    need(code, part, `a part of references (${part.source})`);
    code = code.replace(part, instead);
  }
  return { code: withNamedRules(code), map: null };
}

/** Each rule a constant of its own: short names, and what nobody asks for falls away. */
function withNamedRules(code) {
  const { block, inline } = Lexer.rules;
  const { other } = new Lexer().tokenizer.rules;
  const [table, holder] = need(code, /([\w$]+)=\{codeRemoveIndent:/, 'the first expression');
  const start = code.indexOf(table);
  const first = code.lastIndexOf('},', code.indexOf(`=${block.gfm.newline}`));
  const sets = need(code, /[\w$]+=\{normal:[\w$]+,gfm:[\w$]+,pedantic:[\w$]+\},[\w$]+=\{normal:[\w$]+,gfm:[\w$]+,breaks:[\w$]+,pedantic:[\w$]+\};/, 'the rules');
  const [tags] = need(code.slice(first, sets.index), /[\w$]+="address\|[^"]*"/, 'the names of block elements');
  const rules = [tags, split(code.slice(start + holder.length + 2, first), Object.keys(other)), finished('block', block.gfm), finished('inline', inline.gfm)];
  const rest = code.slice(sets.index + sets[0].length);
  return `${code.slice(0, start)}${rules.join()};${byName(rest)}`.replaceAll(`${holder}.`, 'other_');
}

/** `a:1,b:2` as `other_a=1,other_b=2`; the values are marked's source text. */
function split(text, names) {
  let from = 0;
  for (const name of names) {
    const at = from ? text.indexOf(`,${name}:`, from) + 1 : 0;
    need(text.slice(at), new RegExp(`^${name}:`), `the expression ${name}`);
    text = `${text.slice(0, at)}other_${name}=${text.slice(at + name.length + 1)}`;
    from = at + 1;
  }
  return text;
}

const finished = (set, rules) => Object.entries(rules).map(([name, rule]) => `${set}_${name}=${rule}`);

/** The lexer no longer carries the rules around: `….rules.block.code` is `block_code`. */
function byName(code) {
  const [choice] = need(code, /let (\w)=\{other:[\w$]+,block:.*?this\.tokenizer\.rules=\1/, 'the choice of rules');
  const [getter] = need(code, /static get rules\(\)\{return\{.*?\}\}/, 'the getter of all rules');
  const [list, pairs] = need(code, /(?<=let)\{([\w:,]+)\}=this\.tokenizer\.rules\.inline/, 'the mask of inline rules');
  const single = pairs.split(',').map((pair) => pair.replace(/(\w+):(\w+)/, '$2=inline_$1'));
  return code
    .replace(choice, '0')
    .replace(getter, '')
    .replace(list, ` ${single.join()}`)
    .replace(/(?:this|[\w$]+)(?:\.tokenizer)?(?:\.rules)?\.(other|block|inline)\.(\w+)/g, '$1_$2');
}
