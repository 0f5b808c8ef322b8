// How do the tests see the sources? As the build does.
import { defineConfig } from 'vitest/config';
import { languages } from './build/lazies.mjs';
import { lighter, oxc, VERSION } from './build/options.mjs';

export default defineConfig({
  oxc,
  define: {
    __VERSION__: JSON.stringify(VERSION),
    __PANEL_INTEGRITY__: '"sha384-test"',
    __LAZY_SHA256__: '{"more":"test"}',
    __LANGUAGES__: JSON.stringify({ [languages().join(' ')]: 'test' }),
    __ENGLISH_SHA256__: '""',
    __FRAMED__: 'false',
  },
  // Preact as it is shipped; marked as it is published (test/marked.test.mjs compares both).
  plugins: [lighter()],
  // Patience is for what hangs: a busy machine is no fault.
  test: { include: ['test/**/*.test.{ts,tsx,mjs}'], environment: 'node', testTimeout: 30_000, hookTimeout: 30_000, server: { deps: { inline: ['preact'] } } },
});
