// Is the npm package what a bundler needs: one module, its types, and nothing that happens on import?
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const dist = join(root, 'dist');

const CONSUMER = `
import { define, init, type ChatkeepElement } from 'chatkeep-widget';

define('https://gateway.example');
const chat: ChatkeepElement = init({ gateway: 'https://gateway.example', widgetId: 'widget_1', scheme: 'dark', open: true, ticket: () => 'x' });
chat.setIdentity(null);
chat.send('Hello');
chat.addEventListener('chatkeep:answer', (event) => console.log(event.detail.message_id));
document.createElement('chatkeep-widget').toggle();
// @ts-expect-error the package does not know the gateway by itself
init({ widgetId: 'widget_1' });
// @ts-expect-error nor do elements in the page's markup
define();
// @ts-expect-error the page cannot change limits
init({ gateway: 'https://gateway.example', widgetId: 'widget_1', messageLength: 9 });
`;

describe('the npm package', () => {
  beforeAll(() => execFileSync('npm', ['run', '--silent', 'package'], { cwd: root }), 60_000);

  test('holds one module, its types, and what a package needs', () => {
    const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: dist, stdio: ['ignore', 'pipe', 'ignore'] }).toString());
    expect(files.map(({ path }) => path).sort()).toEqual(
      ['LICENSE', 'README.md', 'index.js', 'package.json', 'types/contract/page.d.ts', 'types/npm/index.d.ts'],
    );
  });

  test('does nothing on import, also where there is no page', async () => {
    const { define, init, ...rest } = await import(/* @vite-ignore */ join(dist, 'index.js'));
    expect([typeof define, typeof init, Object.keys(rest)]).toEqual(['function', 'function', []]);
  });

  test('names the panel of the same build, and no address', () => {
    const code = readFileSync(join(dist, 'index.js'), 'utf8');
    const { files } = JSON.parse(readFileSync(join(root, '../src/chatkeep/widget_dist/manifest.json'), 'utf8'));
    expect(code).toContain(files['panel.js'].integrity);
    expect(code.match(/https?:\/\/[\w.-]+/g).filter((url) => !url.startsWith('http://www.w3.org'))).toEqual([]);
  });

  test('has types that a strict compiler accepts, and that refuse what a page may not say', () => {
    const site = mkdtempSync(join(tmpdir(), 'site-'));
    mkdirSync(join(site, 'node_modules'));
    cpSync(dist, join(site, 'node_modules/chatkeep-widget'), { recursive: true });
    writeFileSync(join(site, 'consumer.ts'), CONSUMER);
    const options = '--noEmit --strict --skipLibCheck false --target es2022 --lib es2022,dom --module esnext --moduleResolution bundler'.split(' ');
    execFileSync(join(root, 'node_modules/.bin/tsc'), [...options, 'consumer.ts'], { cwd: site, stdio: 'inherit' });
  }, 60_000);
});
