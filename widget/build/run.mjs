// Builds the words, then the lazy files, panel.js and frame.js with their integrity inside, and loader.js with that of what it loads; fails above the byte budgets.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { factsOf, lazyFile, module, root, script } from './bundle.mjs';
import { languages, lazies } from './lazies.mjs';
import { VERSION } from './options.mjs';
import { hashOf, speak } from './words.mjs';

const outDir = fileURLToPath(new URL('../../src/chatkeep/widget_dist/', import.meta.url));

/**
 * Gzip level 9, as measured by the tests. `whole`: all that a visitor loads for a first conversation with the settings that hold
 * by default, in the longest language too; `framed`: the same in frame mode.
 */
const BUDGET = { loader: 5_000, whole: 40_000, framed: 43_000, lazy: 16_000, language: 2_000 };

/** Whose code is in the panel besides ours: MIT wants its notices kept. The full texts are in licenses.txt. */
const NOTICE = '/*! Preact (c) 2015-present Jason Miller; marked (c) 2018-2026 MarkedJS, (c) 2011-2018 Christopher Jeffrey; MIT: licenses.txt */';

const NOTICES = {
  rich: `/*! Chatkeep ${VERSION} (Apache-2.0), with DOMPurify ((c) Cure53 and other contributors, Apache-2.0 or MPL-2.0) */`,
};

const sourceOf = (entry) => [`${entry}.ts`, `${entry}.tsx`].find((path) => existsSync(root + path)) ?? entry;

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });

const hashes = (facts) => JSON.stringify(Object.fromEntries(Object.entries(facts).map(([name, one]) => [name, hashOf(one)])));

const { names, lists, facts: spoken } = await speak(outDir);

const lazy = {};
for (const [name, entry] of lazies()) {
  await lazyFile(sourceOf(entry), `${outDir}${name}.js`, {}, NOTICES[name]);
  lazy[name] = factsOf(`${outDir}${name}.js`, 'sha256');
}

const inside = {
  __LAZY_SHA256__: hashes(lazy),
  __LANGUAGES__: JSON.stringify(lists),
  __ENGLISH_SHA256__: JSON.stringify(hashOf(spoken['words-en.json'])),
  __WORDS__: JSON.stringify(names),
};
await module('src/panel/main.tsx', `${outDir}panel.js`, { ...inside, __FRAMED__: 'false' }, NOTICE);
const panel = factsOf(`${outDir}panel.js`, 'sha256');
await module('src/frame/main.ts', `${outDir}frame.js`, { ...inside, __FRAMED__: 'true' }, NOTICE);
await module('src/frame/host.ts', `${outDir}frame-host.js`);
const [frame, host] = [factsOf(`${outDir}frame.js`), factsOf(`${outDir}frame-host.js`, 'sha256')];
// The loader fetches one of two files; any of several hashes will do (W3C SRI). It is short of bytes: the shorter ones.
await script('src/loader/main.ts', `${outDir}loader.js`, { __PANEL_INTEGRITY__: JSON.stringify(`${panel.integrity} ${host.integrity}`) });
const loader = factsOf(`${outDir}loader.js`);

const files = { 'loader.js': loader, 'panel.js': panel, 'frame-host.js': host, 'frame.js': frame };
for (const name in lazy) files[`${name}.js`] = lazy[name];
Object.assign(files, spoken);
writeFileSync(`${outDir}manifest.json`, `${JSON.stringify({ version: VERSION, files }, null, 2)}\n`);

const licences = ['preact/LICENSE', 'marked/LICENSE', 'dompurify/LICENSE'].map((path) => `${path}\n\n${readFileSync(`${root}node_modules/${path}`, 'utf8')}`);
writeFileSync(`${outDir}licenses.txt`, licences.join('\n\n'));

/** The page around frame.js, without what the owner fills in. */
const framePage = /_PAGE = """([^]*?)"""/.exec(readFileSync(new URL('../../src/chatkeep/accept/frame_page.py', import.meta.url), 'utf8'))[1];
const page = gzipSync(framePage, { level: 9 }).length;

/** What a language costs: the file of hashes that knows it, and its own. */
const costs = (name) => spoken[`languages-${Object.keys(lists).findIndex((list) => list.split(' ').includes(name))}.json`].gzip + spoken[`words-${name}.json`].gzip;
const [longest] = languages().sort((one, other) => costs(other) - costs(one));
const whole = {
  'on the page': loader.gzip + panel.gzip,
  'in frame mode': loader.gzip + host.gzip + page + frame.gzip,
};
const rows = [
  ['loader.js', loader.gzip, BUDGET.loader],
  ['first conversation: on the page, en', whole['on the page'], BUDGET.whole],
  [`first conversation: on the page, ${longest}`, whole['on the page'] + costs(longest), BUDGET.whole],
  ['first conversation: in frame mode, en', whole['in frame mode'] + spoken['words-en.json'].gzip, BUDGET.framed],
  [`first conversation: in frame mode, ${longest}`, whole['in frame mode'] + costs(longest), BUDGET.framed],
  ...Object.keys(lazy).map((name) => [`${name}.js`, lazy[name].gzip, BUDGET.lazy]),
  ...Object.keys(spoken).map((file) => [file, spoken[file].gzip, BUDGET.language]),
];
for (const [what, gzip, budget] of rows) {
  console.log(`${what.padEnd(44)}${`${gzip}`.padStart(6)} of ${budget} bytes gzip`);
  if (gzip <= budget) continue;
  console.error(`${what} is over its byte budget.`);
  process.exitCode = 1;
}
