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
const OVERRIDDEN = { html: 'def', def: 'table', lheading: 'paragraph', tag: 'link' };

/** Without `def` no reference has a target: no mask for references, no look-up, no search for links in them. */
const REFERENCES = [
  [/this\.tokens\.links(?=&&)/, '!1'],
  [/(?<=let \w=)\w\[\w+\(\w\[2\]\|\|\w\[1\]\)\](?=;if)/, 'null'],
  [/linkInText\(\w\)\{.*?\}(?=inlineTokens\(\w,)/s, ''],
];

/** Of the lexer: steps that ask for what is overridden, links to references that nothing defines, checks of options and of other tokenizers. */
const STEPS = [
  [/if\((\w)=this\.tokenizer\.(?:html|lheading|tag)\(e\)\)\{e=e\.substring\(\1\.raw\.length\),\w\.push\(\1\);continue\}/g, ''],
  [/if\((\w)=this\.tokenizer\.def\(e\)\)\{.*?continue\}(?=if\(\1=this\.tokenizer\.table)/gs, ''],
  [/if\((\w)=this\.tokenizer\.reflink\(e,this\.tokens\.links\)\)\{.*?continue\}/gs, ''],
  [/(?<=\})reflink\(\w,\w\)\{.*?\}(?=emStrong\(\w,\w,\w=""\)\{)/gs, ''],
  [/\{this\.infiniteLoopError\(e\.charCodeAt\(0\)\);break\}/g, ' throw e;'],
  [/(?<=\})infiniteLoopError\(\w\)\{let \w="[^"]*"\+\w;.*?\}(?=\};var)/gs, ''],
  // Numbers of characters (&#60;) are decoded with the names of characters (src/markdown/entities.ts).
  [/let \w=this\.lexer\.state\.inRawBlock;return\{type:"text",raw:t\[0\],text:.*?,escaped:\w\}/g, 'return{type:"text",raw:t[0],text:t[0]}'],
  [/&&!\w\.escaped(?=\?)|(?<=text:\w),escaped:!1|inRawBlock:!1,|this\.state\.inRawBlock=!1,|\w\.state\.inRawBlock=\w;(?=return)/g, ''],
  [/static lex(?:Inline)?\(e,t\)\{return new \w+\(t\)\.\w+\(e\)\}/g, ''],
  [/this\.tokenizer\.paragraph===\w+\.prototype\.paragraph/g, '!0'],
  [/\|\|this\.tokenizer\.(?:emStrong|del)!==\w+\.prototype\.(?:emStrong|del)/g, ''],
  [/(?<=function \w+\(\)\{return)\{async:!1,[^}]*\}/g, '{}'],
  // Whether a task is done is said of the item; its box is no token of its own.
  [/let (\w)=\{type:"checkbox",raw:(\w)\[0\]\+" ",checked:\2\[0\]!=="\[ \]"\};(\w)\.checked=\1\.checked,.*?:\3\.tokens\.unshift\(\1\)(?=\}\}else )/g, '$3.checked=$2[0]!=="[ ]"'],
  [/codeBlockStyle:"indented",/g, ''],
  [/\(\(\w=""\)=>\{try\{return!!new RegExp\("\(\?<=1\)\(\?<!1\)"\+\w\)\}catch\{return!1\}\}\)\(\)/g, '!0'],
];

/** HTML is plain text here, so it also begins nothing and hides nothing: what the rules say about it. */
const HTML_RULES = [
  [/\| \{0,3\}\(\?:<\\\/\?\(\?:address\|.*?<!\\\[CDATA\\\[\)/g, ''],
  [/(?<=inline_tag=).*?(?=,inline_)/g, '/(?!)/'],
  [/other_htmlBeginRegex=.*?,(?=other_)/g, ''],
  [/,(\w)=other_htmlBeginRegex\(\w\)(.*?)\|\|\1\.test\([\w$]\)(.*?)\|\|\1\.test\([\w$]\)/gs, '$2$3'],
  [/\|\|\w\?\.type==="html"/g, ''],
];

/**
 * marked's file without what nothing of ours uses. Where there is no HTML, the same text becomes the same tokens: test/marked.test.mjs compares.
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
  code = without(code, [...REFERENCES, ...STEPS]);
  return { code: without(withNamedRules(code), HTML_RULES), map: null };
}

function without(code, parts) {
  for (const [part, instead] of parts) {
    need(code, new RegExp(part.source, part.flags.replace('g', '')), part.source);
    code = code.replace(part, instead);
  }
  return code;
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
