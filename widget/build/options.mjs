// What do both builds and the tests share? JSX, constants, and what is left out of the libraries.
import { readFileSync } from 'node:fs';
import { lexerOnly } from './marked.mjs';
import { lighterPreact } from './preact.mjs';

export const VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

export const oxc = { jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } };

/** The widget has no HTML sink, so its bundle has none either; and of its two libraries it carries what it uses. */
export const lighter = () => ({
  name: 'lighter',
  transform(code, id) {
    if (/marked[/\\]lib[/\\]marked\.esm\.js$/.test(id)) return lexerOnly(code);
    return /preact[/\\]dist[/\\]preact\.mjs$/.test(id) ? lighterPreact(code) : null;
  },
});
