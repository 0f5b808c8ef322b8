// How does one entry become one file? Everything that it needs is inside, so that one integrity value covers all that runs.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';
import { build, runnerImport } from 'vite';
import { fromKit } from './kit.mjs';
import { shortNames } from './names.mjs';
import { oxc, VERSION, lighter } from './options.mjs';

// Reading data out of sources (valuesOf) would make it a development build.
process.env.NODE_ENV = 'production';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes the bundle of `entry` to `file`; `shape`: the rest of rolldown's output options. */
async function bundle(entry, file, { plugins = [], define = {}, ...shape }) {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    oxc,
    define: { ...define, __VERSION__: JSON.stringify(VERSION), 'process.env.NODE_ENV': '"production"' },
    plugins: [...plugins, lighter()],
    build: {
      write: false,
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
          minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
          comments: false,
          ...shape,
        },
      },
    },
  });
  const chunks = built.output ?? built[0].output;
  if (chunks.length !== 1) throw new Error(`${entry} became ${chunks.length} files: one has to hold everything`);
  mkdirSync(dirname(file), { recursive: true });
  // A second pass by another minifier is worth 1 % (measured: 340 bytes of the panel).
  const short = shortNames();
  const { code } = await minify(chunks[0].code, {
    ecma: 2020,
    module: shape.format === 'es',
    compress: { passes: 2, unsafe: true, unsafe_arrows: true, unsafe_methods: true, unsafe_regexp: true, pure_getters: true, lhs_constants: false, conditionals: false, if_return: false },
    mangle: { properties: { regex: new RegExp(`^(${Object.keys(short).join('|')})$`) } },
    nameCache: { props: { props: Object.fromEntries(Object.entries(short).map(([name, to]) => [`$${name}`, to])) } },
    format: { comments: /^!/ },
  });
  const [missing] = /\b__[A-Z]\w*__\b/.exec(code) ?? [];
  if (missing) throw new Error(`${entry} needs the constant ${missing}`);
  writeFileSync(file, code);
}

/** A script without exports that runs by itself. */
export const script = (entry, file, define) => bundle(entry, file, { format: 'iife', define });

export const module = (entry, file, define, notice = '') => bundle(entry, file, { format: 'es', define, postBanner: notice });

/**
 * A module whose one export is a function: it takes what the panel shares (src/panel/kit.ts) and returns the entry's exports.
 * An `import` of the panel would not do: no integrity covers what a file imports.
 */
export const lazyFile = (entry, file, define, notice = '') =>
  bundle(entry, file, {
    define,
    format: 'iife',
    name: 'exported',
    exports: 'named',
    generatedCode: { symbols: false },
    esModule: false,
    plugins: [fromKit()],
    postBanner: `${notice}export default kit=>{`,
    postFooter: 'return exported}',
  });

/** What a module of nothing but data exports. */
export const valuesOf = async (path) => (await runnerImport(root + path, { configFile: false, mode: 'production', logLevel: 'warn' })).module;

/** What the manifest says about a file; `algorithm` is that of its integrity (W3C SRI). */
export function factsOf(file, algorithm = 'sha384') {
  const bytes = readFileSync(file);
  return {
    integrity: `${algorithm}-${createHash(algorithm).update(bytes).digest('base64')}`,
    bytes: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
  };
}
