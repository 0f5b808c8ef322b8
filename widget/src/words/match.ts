// Which of the languages that there are is wanted? A lazy file with the integrity of each: who reads English needs neither.
import type { Shell } from '../contract/shell';
import type { Found } from './choose';
import type { Language } from './en';

/** Written Norwegian, whatever it is called. */
const SAME: Readonly<Record<string, string>> = { no: 'nb', nn: 'nb' };

const RIGHT_TO_LEFT = /^(Adlm|Arab|Hebr|Nkoo|Rohg|Syrc|Thaa)$/;

/** The file for a tag: its region's (pt-BR), its script's (zh-TW is zh-Hant), its language's. Null: none, or no such tag. */
export function match(tag: string, names: readonly string[]): Omit<Found, 'texts'> | null {
  try {
    const given = new Intl.Locale(tag.replaceAll('_', '-'));
    const { language, script = '', region } = given.maximize();
    const name = [`${language}-${region}`, `${language}-${script}`, language, SAME[language]].find((one) => one === 'en' || names.includes(one!));
    return name ? { name, lang: given.baseName, dir: RIGHT_TO_LEFT.test(script) ? 'rtl' : 'ltr' } : null;
  } catch {
    return null;
  }
}

/** Null when there is none of the wanted languages. Rejects when its file cannot be had. */
export async function find(tags: readonly string[], fetchFile: Shell['fetchFile']): Promise<Found | null> {
  for (const tag of tags) {
    const found = match(tag, Object.keys(__LANGUAGE_SHA256__));
    if (found?.name === 'en') return { ...found, texts: {} };
    if (!found) continue;
    const file = await fetchFile<{ default: Language }>(`words-${found.name}.js`, `sha256-${__LANGUAGE_SHA256__[found.name]}`, 0);
    return { ...found, texts: file.default };
  }
  return null;
}
