// Makes the npm package in dist/: the loader as a module with types. The panel stays on the gateway, pinned by its integrity.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { module, root } from './bundle.mjs';
import { VERSION } from './options.mjs';

const out = `${root}dist/`;
const manifest = JSON.parse(readFileSync(new URL('../../src/chatkeep/widget_dist/manifest.json', import.meta.url), 'utf8'));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await module('src/npm/index.ts', `${out}index.js`, { __PANEL_INTEGRITY__: JSON.stringify(manifest.files['panel.js'].integrity) });

// Only what the entry's types name; the rest of the sources has types too.
const types = `${out}all-types/`;
execFileSync(`${root}node_modules/.bin/tsc`, ['-p', `${root}tsconfig.npm.json`, '--outDir', types], { cwd: root, stdio: 'inherit' });
for (const file of ['npm/index.d.ts', 'contract/page.d.ts']) {
  mkdirSync(`${out}types/${file.split('/')[0]}`, { recursive: true });
  copyFileSync(`${types}${file}`, `${out}types/${file}`);
}
rmSync(types, { recursive: true });

const { engines, license, dependencies: _bundled, ...own } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const description = {
  name: own.name,
  version: VERSION,
  description: 'The Chatkeep chat widget for pages that are built with a bundler',
  license,
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './types/npm/index.d.ts', default: './index.js' } },
  types: './types/npm/index.d.ts',
  engines,
};
writeFileSync(`${out}package.json`, `${JSON.stringify(description, null, 2)}\n`);
copyFileSync(`${root}../LICENSE`, `${out}LICENSE`);
copyFileSync(`${root}src/npm/README.md`, `${out}README.md`);
