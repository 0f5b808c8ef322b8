// What is in the files of a language? Its texts as data: what the panel says, and in a second file what is said by parts that come later.
import { writeFileSync } from 'node:fs';
import { factsOf, valuesOf } from './bundle.mjs';
import { languages } from './lazies.mjs';

/** A hash stands in the file that loads the one with this hash. */
export const hashOf = ({ integrity }) => integrity.slice('sha256-'.length);

/** Each list is a hash in the panel (49 bytes for everybody), and its hashes are what a visitor of another language fetches on top. */
const LISTS = 4;

/**
 * Writes to `folder`: `words-….json`, a list of the texts in the order of the English ones, then by their names the plural forms that
 * English has not, then the hash of `words-…-more.json`, which has the others by name; and `languages-….json`, the hashes of some languages.
 * Returns `names`, the English texts' in their order; `lists`, hashes by the languages in them; and `facts` by the file's name.
 */
export async function speak(folder) {
  const { en, enErrors, enLazy } = await valuesOf('src/words/en.ts');
  const names = Object.keys(en);
  const facts = {};
  const write = (file, content) => {
    writeFileSync(`${folder}${file}.json`, JSON.stringify(content));
    facts[`${file}.json`] = factsOf(`${folder}${file}.json`, 'sha256');
    return hashOf(facts[`${file}.json`]);
  };
  write('words-en', [Object.values(en), {}]);
  const hashes = [];
  for (const name of languages()) {
    const { default: texts } = await valuesOf(`src/words/languages/${name}.ts`);
    const others = Object.entries(texts).filter(([key]) => !(key in en));
    const isLater = ([key]) => key in enErrors || key in enLazy;
    const more = write(`words-${name}-more`, Object.fromEntries(others.filter(isLater)));
    const forms = Object.fromEntries(others.filter((one) => !isLater(one)));
    // A form that the language has not is never asked for.
    hashes.push([name, write(`words-${name}`, [names.map((key) => texts[key] ?? ''), forms, more])]);
  }
  const lists = {};
  const size = Math.ceil(hashes.length / LISTS);
  for (let i = 0; i < LISTS; i++) {
    const list = hashes.slice(i * size, (i + 1) * size);
    lists[list.map(([name]) => name).join(' ')] = write(`languages-${i}`, list.map(([, hash]) => hash));
  }
  return { names, lists, facts };
}
