// Do sources and bundles keep the house rules? No HTML sink, no storage, no stray names, one version.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
// @ts-expect-error a module of the build, without types
import { MISSING } from '../build/preact.mjs';
import { reasonFor } from '../src/loader/words';
import { errorText } from '../src/words/errors';
import { english } from './english';

const root = new URL('..', import.meta.url).pathname;
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const SINKS =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|createContextualFragment|DOMParser|srcdoc|setHTML|\beval\b|new Function|setAttribute\(["'`]on/;
const STORES = /localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b/;
/** The one part that keeps something in the tab, where an owner has asked for it. */
const KEEPS = /^(src\/resume\/main\.ts|resume\.js)$/;
/** Frame mode talks over a port of its own; who gets the port is named. */
const FRAMED = /^(src\/frame\/(host|main)\.ts|frame(-host)?\.js)$/;

const sources = files('src').filter((file) => /\.tsx?$/.test(file)).map((file) => file.slice(root.length));

/** The one door for HTML: src/rich/main.tsx, which hands it to DOMPurify, and its bundle. */
const PARSER = 'src/rich/main.tsx';
const PARSER_FILE = 'rich.js';

test('one file parses HTML, by DOMPurify and under a policy of its own', () => {
  const parsing = sources.filter((file) => /dompurify|trustedTypes|createPolicy/i.test(readFileSync(join(root, file), 'utf8')));
  expect(parsing).toEqual([PARSER]);
  const text = readFileSync(join(root, PARSER), 'utf8');
  expect(text).toContain("createPolicy('chatkeep', {");
  expect(text).toContain('RETURN_DOM_FRAGMENT: true');
});

describe('every source file', () => {
  test.each(sources)('%s', (file) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).not.toMatch(SINKS);
    expect(text.replace(KEEPS.test(file) ? /sessionStorage/g : '', '')).not.toMatch(STORES);
    if (!FRAMED.test(file)) expect(text).not.toMatch(/postMessage/);
    expect(text, 'uses what the build cuts out of Preact').not.toMatch(MISSING);
    expect(text, 'says first what it answers').toMatch(/^\/\/ .{20,}/);
    expect(text.split('\n').length).toBeLessThanOrEqual(400);
    expect(file).not.toMatch(/(utils|helpers|common|base|misc|manager|service|handler)/);
  });
});

test('nothing is posted to whoever may be there', () => {
  const posts = sources.flatMap((file) => readFileSync(join(root, file), 'utf8').match(/\S*postMessage\(.*/g) ?? []);
  expect(posts.filter((post) => !/port\??\.postMessage\((order|report)\)/.test(post))).toEqual([
    "box.contentWindow?.postMessage({ around: around() }, url.origin, [port2]);",
  ]);
});

test('two files of the panel, one of the frame and two of the loader reach the network', () => {
  const reaching = sources.filter((file) => /\bfetch\(|import\(\/|XMLHttpRequest|WebSocket|EventSource|sendBeacon/.test(readFileSync(join(root, file), 'utf8')));
  expect(reaching.sort()).toEqual(['src/frame/ticket.ts', 'src/loader/fetch-file.ts', 'src/loader/settings.ts', 'src/talk/wire.ts', 'src/words/fetch.ts']);
});

test('loader and panel say the same of a gateway out of reach, and blame nobody for it', () => {
  expect(errorText('unreachable', english)).toBe(reasonFor('unreachable'));
  expect(reasonFor('unreachable')).toBe('The chat cannot be reached right now.');
});

test('the lock names no registry', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"|registry\./);
});

const dist = join(root, '../src/chatkeep/widget_dist');

describe.skipIf(!existsSync(join(dist, 'manifest.json')))('the built files (skipped before the first build)', () => {
  const read = (name: string) => readFileSync(join(dist, name), 'utf8');

  test.each(readdirSync(dist).filter((name) => name.endsWith('.js')))('%s has no HTML sink (but for the one door), no storage, no import, no other address', (name) => {
    const code = read(name);
    if (name !== PARSER_FILE) expect(code).not.toMatch(SINKS);
    expect(code.replace(KEEPS.test(name) ? /sessionStorage/g : '', '')).not.toMatch(STORES);
    if (!FRAMED.test(name)) expect(code).not.toMatch(/postMessage/);
    expect(code).not.toMatch(/\bimport\s*["'{*]|\bfrom\s*["'`]\.?\//);
    expect((code.match(/https?:\/\/[\w.-]+/g) ?? []).filter((url) => !url.startsWith('http://www.w3.org'))).toEqual([]);
  });

  test('the manifest is of this version, and the loader carries the integrity of the panel', () => {
    const manifest = JSON.parse(read('manifest.json')) as { version: string; files: Record<string, { integrity: string; gzip: number }> };
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(manifest.version).toBe(version);
    expect(read('loader.js')).toContain(`${manifest.files['panel.js']!.integrity} ${manifest.files['frame-host.js']!.integrity}`);
    expect(read('loader.js')).toContain(`/widget/v${version}/`);
    for (const [name, { integrity }] of Object.entries(manifest.files))
      if (name.endsWith('.js') && !/^(loader|panel|frame|frame-host)\.js$/.test(name))
        for (const by of ['panel.js', 'frame.js']) expect(read(by), name).toContain(integrity.slice('sha256-'.length));
    expect(manifest.files['loader.js']!.gzip).toBeLessThanOrEqual(5000);
  });
});
