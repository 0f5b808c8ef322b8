// Which lazy files are there? What src/panel/lazies.ts lists, each with its entry; and the languages.
import { readdirSync, readFileSync } from 'node:fs';

const LIST = new URL('../src/panel/lazies.ts', import.meta.url);

/** Pairs of name and entry (`src/…`). */
export function lazies() {
  const text = readFileSync(LIST, 'utf8');
  const found = [...text.matchAll(/^ {2}'?([a-z\d-]+)'?: typeof import\('\.\.\/(.+)'\);$/gm)];
  if (found.length !== text.split('typeof import(').length - 1) throw new Error('src/panel/lazies.ts has a line that build/lazies.mjs cannot read');
  return found.map(([, name, path]) => [name, `src/${path}`]);
}

/** One file is one language; its name is the language's (BCP 47). */
export const languages = () => readdirSync(new URL('../src/words/languages/', import.meta.url)).map((file) => file.replace('.ts', '')).sort();
