// In which language does the panel speak? The first that is wanted and there is; else English, which is always there.
import { record } from '../contract/look';
import type { Shell } from '../contract/shell';
import type { Lazy } from '../panel/lazy';
import { en, type Language, type Words } from './en';

/** A language that is there. `lang`: as it was wanted, so "de-AT" for German as in Austria. */
export interface Found {
  readonly name: string;
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  readonly texts: Partial<Language>;
}

/** English as most pages write it needs no file, also none to find that out. */
const ENGLISH = /^en(-[a-z]{2})?$/i;

/** Longer than that, English now is better than another language some time. */
const PATIENCE_MS = 5000;

/** BCP 47 tags, the most wanted first: the element's, then the widget's; `auto` means the page's, then the visitor's. */
export const wanted = (host: HTMLElement, locale: string): readonly string[] =>
  [host.getAttribute('locale') ?? '', host.lang, ...(locale === 'auto' ? [document.documentElement.lang, ...navigator.languages] : [locale])].filter(Boolean);

/** The owner's texts, by locale and key, go over the language's: those for all, then from general to special. */
export async function wordsFor(tags: readonly string[], overrides: unknown, lazy: Lazy, fetchFile: Shell['fetchFile']): Promise<Words> {
  const [first = 'en'] = tags;
  const english = ENGLISH.test(first);
  const late = () => new Promise<null>((resolve) => setTimeout(resolve, PATIENCE_MS, null));
  const search = async () => (await lazy('languages')).find(tags, fetchFile);
  // A file that cannot be had costs the language, not the chat.
  const found = english ? null : await Promise.race([late(), search()]).catch(() => null);
  const { name, lang, dir, texts }: Found = found ?? { name: 'en', lang: english ? first : 'en', dir: 'ltr', texts: {} };
  const words: Record<string, string> = { ...en, ...texts };
  for (const tag of ['default', lang.split('-')[0]!, name, lang])
    for (const [key, text] of Object.entries(record(record(overrides)[tag]))) if (typeof text === 'string') words[key] = text;
  return { ...words, lang, dir } as unknown as Words;
}
