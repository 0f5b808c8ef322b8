// Builds the languages, then the lazy files and panel.js with their integrity inside, frame.js and loader.js with that of what they load; fails above the byte budgets.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { factsOf, lazyFile, module, root, script } from './bundle.mjs';
import { languages, lazies } from './lazies.mjs';
import { VERSION } from './options.mjs';

const outDir = fileURLToPath(new URL('../../src/chatkeep/widget_dist/', import.meta.url));

/** Gzip level 9, as measured by the tests. A first conversation in English loads the first two; in another language also languages.js and its own, in frame mode two more. */
const BUDGET = { loader: 5_000, total: 40_000, framed: 46_000, lazy: 16_000, language: 3_000 };

/** Whose code is in the panel besides ours: MIT wants its notices kept. The full texts are in licenses.txt. */
const NOTICE =
  `/*! Chatkeep ${VERSION} (Apache-2.0), with Preact ((c) 2015-present Jason Miller, MIT) and ` +
  'marked ((c) 2018-2026 MarkedJS, (c) 2011-2018 Christopher Jeffrey, MIT) */';

const NOTICES = {
  rich: `/*! Chatkeep ${VERSION} (Apache-2.0), with DOMPurify ((c) Cure53 and other contributors, Apache-2.0 or MPL-2.0) */`,
};

const sourceOf = (entry) => [`${entry}.ts`, `${entry}.tsx`].find((path) => existsSync(root + path)) ?? entry;

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });

/** A value for each file stands in the file that loads them, so the shorter hash. */
const hashes = (facts) => JSON.stringify(Object.fromEntries(Object.entries(facts).map(([name, { integrity }]) => [name, integrity.slice('sha256-'.length)])));

const spoken = {};
for (const name of languages()) {
  await module(`src/words/languages/${name}.ts`, `${outDir}words-${name}.js`);
  spoken[name] = factsOf(`${outDir}words-${name}.js`, 'sha256');
}

const lazy = {};
for (const [name, entry] of lazies()) {
  await lazyFile(sourceOf(entry), `${outDir}${name}.js`, { __LANGUAGE_SHA256__: hashes(spoken) }, NOTICES[name]);
  lazy[name] = factsOf(`${outDir}${name}.js`, 'sha256');
}

await module('src/panel/main.tsx', `${outDir}panel.js`, { __LAZY_SHA256__: hashes(lazy) }, NOTICE);
const panel = factsOf(`${outDir}panel.js`, 'sha256');
await module('src/frame/main.ts', `${outDir}frame.js`, { __PANEL_INTEGRITY__: JSON.stringify(panel.integrity) });
await module('src/frame/host.ts', `${outDir}frame-host.js`);
const [frame, host] = [factsOf(`${outDir}frame.js`), factsOf(`${outDir}frame-host.js`, 'sha256')];
// The loader fetches one of two files; any of several hashes will do (W3C SRI). It is short of bytes: the shorter ones.
await script('src/loader/main.ts', `${outDir}loader.js`, { __PANEL_INTEGRITY__: JSON.stringify(`${panel.integrity} ${host.integrity}`) });
const loader = factsOf(`${outDir}loader.js`);

const files = { 'loader.js': loader, 'panel.js': panel, 'frame-host.js': host, 'frame.js': frame };
for (const name in lazy) files[`${name}.js`] = lazy[name];
for (const name in spoken) files[`words-${name}.js`] = spoken[name];
writeFileSync(`${outDir}manifest.json`, `${JSON.stringify({ version: VERSION, files }, null, 2)}\n`);

const licences = ['preact/LICENSE', 'marked/LICENSE', 'dompurify/LICENSE'].map((path) => `${path}\n\n${readFileSync(`${root}node_modules/${path}`, 'utf8')}`);
writeFileSync(`${outDir}licenses.txt`, licences.join('\n\n'));

const rows = [
  ['loader.js', loader.gzip, BUDGET.loader],
  ['loader.js + panel.js', loader.gzip + panel.gzip, BUDGET.total],
  ['both + frame mode', loader.gzip + host.gzip + frame.gzip + panel.gzip, BUDGET.framed],
  ...Object.keys(lazy).map((name) => [`${name}.js`, lazy[name].gzip, BUDGET.lazy]),
  ...Object.keys(spoken).map((name) => [`words-${name}.js`, spoken[name].gzip, BUDGET.language]),
];
for (const [what, gzip, budget] of rows) {
  console.log(`${what.padEnd(24)}${`${gzip}`.padStart(6)} of ${budget} bytes gzip`);
  if (gzip <= budget) continue;
  console.error(`${what} is over its byte budget.`);
  process.exitCode = 1;
}
