// In which language does the panel speak? The first that is wanted (wanted.ts) and there is; else English.
import { record } from '../contract/shapes';
import { en, type Language, type Words } from './en';
import type { FetchData } from './fetch';

/** A language that there is. `name`: its file's; `lang`: as it was wanted, so "de-AT" for German as in Austria. */
export interface Found {
  readonly name: string;
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
}

/** Written Norwegian, whatever it is called. */
const SAME: Readonly<Record<string, string>> = { no: 'nb', nn: 'nb' };

/** Languages that share a file of hashes, and that file's hash: 31 hashes in the panel would be 1.5 kB for everybody. */
const LISTS = Object.entries(__LANGUAGES__);

const listOf = (name: string): number => LISTS.findIndex(([names]) => names.split(' ').includes(name));

const RIGHT_TO_LEFT = /^(Adlm|Arab|Hebr|Nkoo|Rohg|Syrc|Thaa)$/;

/** The file for a tag: its region's (pt-BR), its script's (zh-TW is zh-Hant), its language's. Null: none, or no such tag. */
export function match(tag: string): Found | null {
  try {
    const given = new Intl.Locale(tag.replaceAll('_', '-'));
    const { language, script = '', region } = given.maximize();
    const name = [`${language}-${region}`, `${language}-${script}`, language, SAME[language]].find((one) => one === 'en' || listOf(one!) >= 0);
    return name ? { name, lang: given.baseName, dir: RIGHT_TO_LEFT.test(script) ? 'rtl' : 'ltr' } : null;
  } catch {
    return null;
  }
}

const ENGLISH: Found = { name: 'en', lang: 'en', dir: 'ltr' };

/** English is in the panel, and what another language leaves out is English; the page of frame mode has all from a file. */
const inside: Partial<Words> = __FRAMED__ ? {} : en;

/** The texts in files stand in their order, without their names. */
const NAMES: readonly string[] = __FRAMED__ ? __WORDS__ : Object.keys(en);

/** The texts by name, and the hash of the file with those that are said later. */
interface Texts {
  readonly texts: Readonly<Record<string, string>>;
  readonly more: string;
}

/** What a file of a language holds (build/words.mjs). */
type File = readonly [inOrder: readonly string[], byName: Readonly<Record<string, string>>, more: string];

async function textsOf(name: string, fetchData: FetchData): Promise<Texts> {
  let sha256 = __ENGLISH_SHA256__;
  if (name !== 'en') {
    const list = listOf(name);
    const [names, ofList] = LISTS[list]!;
    const hashes = await fetchData<readonly string[]>(`languages-${list}`, ofList);
    sha256 = hashes[names.split(' ').indexOf(name)]!;
  }
  const [inOrder, byName, more] = await fetchData<File>(`words-${name}`, sha256);
  return { texts: { ...Object.fromEntries(inOrder.map((text, i) => [NAMES[i], text])), ...byName }, more };
}

/**
 * The owner's texts, by locale and key, go over the language's: those for all, then from general to special.
 * A file that cannot be had costs the language, not the chat. Rejects only where English cannot be had either.
 */
export async function wordsFor(tags: readonly string[], overrides: unknown, fetchData: FetchData): Promise<Words> {
  let found = ENGLISH;
  for (const tag of tags.toReversed()) found = match(tag) ?? found;
  let file: Texts | null = null;
  if (found.name !== 'en') file = await textsOf(found.name, fetchData).catch(() => ((found = ENGLISH), null));
  if (__FRAMED__) file ??= await textsOf('en', fetchData);
  const { name, lang, dir } = found;
  const words: Record<string, unknown> = { ...inside, ...file?.texts };
  for (const tag of ['default', lang.split('-')[0]!, name, lang])
    for (const [key, text] of Object.entries(record(record(overrides)[tag]))) if (typeof text === 'string') words[key] = text;
  return Object.assign(words, { name, lang, dir, more: file?.more }) as unknown as Words;
}

/** Those that need nothing more. */
const whole = new WeakSet<Words>();

/** Adds what parts say that are fetched later, and what the gateway refuses: both bring English along, in case this cannot be had. */
export async function addLater(words: Words, fetchData: FetchData): Promise<void> {
  const all = words as unknown as Record<string, unknown>;
  if (words.name === 'en' || whole.has(words)) return;
  const texts = await fetchData<Partial<Language>>(`words-${words.name}-more`, words.more!).catch(() => null);
  for (const key in texts) all[key] ??= texts[key as keyof Language];
  if (texts) whole.add(words);
}
