// Do sources and bundles keep the house rules? No HTML sink, no storage, no stray names, one version.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reasonFor } from '../src/loader/words';
import { en, errorText } from '../src/words/en';

const root = new URL('..', import.meta.url).pathname;
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const SINKS =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|createContextualFragment|DOMParser|srcdoc|setHTML|\beval\b|new Function|setAttribute\(["'`]on/;
const STORES = /localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b|postMessage/;

const sources = files('src').filter((file) => /\.tsx?$/.test(file)).map((file) => file.slice(root.length));

describe('every source file', () => {
  test.each(sources)('%s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).not.toMatch(SINKS);
    expect(text).not.toMatch(STORES);
    expect(text, 'says first what it answers').toMatch(/^\/\/ .{20,}/);
    expect(text.split('\n').length).toBeLessThanOrEqual(400);
    expect(file).not.toMatch(/(utils|helpers|common|base|misc|manager|service|handler)/);
  });
});

test('one file of the panel and two of the loader reach the network', () => {
  const reaching = sources.filter((file) => /\bfetch\(|import\(\/|XMLHttpRequest|WebSocket|EventSource|sendBeacon/.test(readFileSync(join(root, file), 'utf8')));
  expect(reaching.sort()).toEqual(['src/loader/fetch-panel.ts', 'src/loader/settings.ts', 'src/talk/wire.ts']);
});

test('loader and panel say the same of a gateway out of reach, and blame nobody for it', () => {
  expect(errorText('unreachable', en)).toBe(reasonFor('unreachable'));
  expect(reasonFor('unreachable')).toBe('The chat cannot be reached right now.');
});

test('the lock names no registry', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"|registry\./);
});

const dist = join(root, '../src/chatkeep/widget_dist');

describe.skipIf(!existsSync(join(dist, 'manifest.json')))('the built files (skipped before the first build)', () => {
  const read = (name: string) => readFileSync(join(dist, name), 'utf8');

  test.each(['loader.js', 'panel.js'])('%s has no HTML sink, no storage, no import, no other address', (name) => {
    const code = read(name);
    expect(code).not.toMatch(SINKS);
    expect(code).not.toMatch(STORES);
    expect(code).not.toMatch(/\bimport\s*["'{*]|\bfrom\s*["'`]\.?\//);
    expect(code.match(/https?:\/\/[\w.-]+/g)?.filter((url) => !url.startsWith('http://www.w3.org'))).toEqual([]);
  });

  test('the manifest is of this version, and the loader carries the integrity of the panel', () => {
    const manifest = JSON.parse(read('manifest.json')) as { version: string; files: Record<string, { integrity: string; gzip: number }> };
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(manifest.version).toBe(version);
    expect(read('loader.js')).toContain(manifest.files['panel.js']!.integrity);
    expect(read('loader.js')).toContain(`/widget/v${version}/panel.js`);
    expect(manifest.files['loader.js']!.gzip).toBeLessThanOrEqual(5000);
    expect(manifest.files['loader.js']!.gzip + manifest.files['panel.js']!.gzip).toBeLessThanOrEqual(40_000);
  });
});
