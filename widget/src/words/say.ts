// How does a text get its numbers? Places filled in, and the plural form that the language wants.
import type { Plural, Words } from './en';

export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{(\w+)}/g, (place, name: string) => values[name] ?? place);

/** "1 message", "2 messages": the form of `key` for `n`, with `{n}` written as in the language. */
export const count = (words: Words, key: Plural, n: number): string =>
  fill(words[`${key}.${new Intl.PluralRules(words.lang).select(n)}`] ?? words[`${key}.other`], { n: n.toLocaleString(words.lang) });
