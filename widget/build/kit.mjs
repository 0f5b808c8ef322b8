// Where do lazy files get what they share with the panel? From its kit: one Preact, one `Failed`, whoever throws it.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const KIT = fileURLToPath(new URL('../src/panel/kit.ts', import.meta.url));
const INSIDE = '\0kit';

/** Of each module that kit.ts imports, the names. */
function shared() {
  const lines = [...readFileSync(KIT, 'utf8').matchAll(/^import \{ (.+) \} from '(.+)';$/gm)];
  if (!lines.length) throw new Error('src/panel/kit.ts names nothing: look at build/kit.mjs');
  return new Map(lines.map(([, names, from]) => [from.startsWith('.') ? resolve(dirname(KIT), from) : from, names.split(', ')]));
}

/** In a lazy file, an import of a module that the kit knows is served by the kit. A name that is missing there stops the build. */
export function fromKit() {
  const modules = shared();
  const names = [...modules.values()].flat();
  return {
    name: 'from-kit',
    enforce: 'pre',
    resolveId(id, importer) {
      const full = id.startsWith('.') && importer ? resolve(dirname(importer), id) : id;
      return modules.has(full) ? INSIDE : null;
    },
    load: (id) => (id === INSIDE ? names.map((name) => `export const { ${name} } = kit;`).join('\n') : null),
  };
}
