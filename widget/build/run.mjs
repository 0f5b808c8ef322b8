// Builds panel.js, then loader.js with the panel's integrity inside, then manifest.json and licenses.txt; fails above the byte budgets.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { oxc, VERSION, withoutHtmlSink } from './options.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const outDir = fileURLToPath(new URL('../../src/chatkeep/widget_dist/', import.meta.url));

/** Gzip level 9, as measured by the tests. A first conversation loads both files. */
const BUDGET = { loader: 5_000, total: 40_000 };

/** Whose code is in the panel besides ours: MIT wants its notices kept. The full texts are in licenses.txt. */
const NOTICE =
  `/*! Chatkeep ${VERSION} (Apache-2.0), with Preact ((c) 2015-present Jason Miller, MIT) and ` +
  'marked ((c) 2018-2026 MarkedJS, (c) 2011-2018 Christopher Jeffrey, MIT) */';

async function bundle(fileName, entry, format, define, notice = '') {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    oxc,
    define: { ...define, 'process.env.NODE_ENV': '"production"' },
    plugins: [withoutHtmlSink()],
    build: {
      outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      // The year of the youngest thing that the widget cannot do without (adopted style sheets, modulepreload: 2023).
      target: ['chrome111', 'safari17', 'firefox115'],
      cssTarget: ['chrome123', 'safari17.5', 'firefox120'],
      modulePreload: false,
      minify: true,
      reportCompressedSize: false,
      rolldownOptions: {
        input: root + entry,
        // An entry that is also imported by a page keeps its exports.
        preserveEntrySignatures: 'strict',
        output: {
          format,
          entryFileNames: fileName,
          minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
          comments: false,
          postBanner: notice,
        },
      },
    },
  });
  const bytes = readFileSync(outDir + fileName);
  return {
    integrity: `sha384-${createHash('sha384').update(bytes).digest('base64')}`,
    bytes: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
  };
}

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });
const version = { __VERSION__: JSON.stringify(VERSION) };
const panel = await bundle('panel.js', 'src/panel/main.tsx', 'es', version, NOTICE);
const loader = await bundle('loader.js', 'src/loader/main.ts', 'iife', {
  ...version,
  __PANEL_INTEGRITY__: JSON.stringify(panel.integrity),
});

const files = { 'loader.js': loader, 'panel.js': panel };
writeFileSync(`${outDir}manifest.json`, `${JSON.stringify({ version: VERSION, files }, null, 2)}\n`);

const licences = ['preact/LICENSE', 'marked/LICENSE'].map((path) => `${path}\n\n${readFileSync(`${root}node_modules/${path}`, 'utf8')}`);
writeFileSync(`${outDir}licenses.txt`, licences.join('\n\n'));

const total = loader.gzip + panel.gzip;
console.log(`loader.js ${loader.gzip} of ${BUDGET.loader} bytes gzip; with panel.js ${total} of ${BUDGET.total}`);
if (loader.gzip > BUDGET.loader || total > BUDGET.total) {
  console.error('Over the byte budget.');
  process.exitCode = 1;
}
