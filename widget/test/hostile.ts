// Which texts are hostile? Those of tests/browser/hostile/answers.txt, which the browser tests use as well.
import { readFileSync } from 'node:fs';

export interface Case {
  readonly family: string;
  readonly text: string;
}

const NAMED: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** One line of the file as the text it stands for. */
const expand = (line: string): string =>
  line
    .replace(/⟦([nrt]|[\da-f]+)⟧/g, (_, name: string) => NAMED[name] ?? String.fromCodePoint(parseInt(name, 16)))
    .replace(/⟦(\d+)×(.*?)⟧/gs, (_, times: string, text: string) => text.repeat(Number(times)));

export function hostile(): Case[] {
  const file = readFileSync(new URL('../../tests/browser/hostile/answers.txt', import.meta.url), 'utf8');
  const [, ...families] = file.split(/^## /m);
  return families.flatMap((part) => {
    const [family, ...lines] = part.split('\n');
    return lines.filter(Boolean).map((line) => ({ family: family!, text: expand(line) }));
  });
}
