// How do the tests see the sources? As the build does.
import { defineConfig } from 'vitest/config';
import { oxc, VERSION } from './build/options.mjs';

export default defineConfig({
  oxc,
  define: { __VERSION__: JSON.stringify(VERSION), __PANEL_INTEGRITY__: '"sha384-test"' },
  test: { include: ['test/**/*.test.{ts,tsx}'], environment: 'node' },
});
