// Bundles apps/<name> with the recipe's files, which come as JSON on stdin: {"use-chat.ts": "…"}. The bundle goes to stdout.
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const [app] = process.argv.slice(2);
const files = JSON.parse(await text(process.stdin));

// As if they lay beside the app.
const folder = `${root}apps/`;
const recipe = {
  name: 'recipe',
  resolveId(name) {
    const file = `${name.replace('./', '')}.ts`;
    return file in files ? folder + file : null;
  },
  load: (id) => files[id.replace(folder, '')] ?? null,
};

const entry = ['jsx', 'ts'].map((ending) => `${folder}${app}.${ending}`).find(existsSync);
const [{ output }] = await build({
  root,
  configFile: false,
  logLevel: 'warn',
  // Development: React mounts everything twice then, which is how it finds effects that do not clean up.
  mode: 'development',
  define: { 'process.env.NODE_ENV': '"development"' },
  resolve: { alias: { 'chatkeep-widget': fileURLToPath(new URL('../../widget/dist/index.js', import.meta.url)) } },
  plugins: [recipe],
  build: { write: false, minify: false, lib: { entry, formats: ['es'], fileName: app } },
}).then((built) => [built].flat());
process.stdout.write(output[0].code);
