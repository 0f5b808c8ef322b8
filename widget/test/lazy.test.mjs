// Do lazy files share the panel's Preact and classes, hold everything else, and get a second chance?
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Component } from 'preact';
import { beforeAll, describe, expect, test } from 'vitest';
import { lazyFile } from '../build/bundle.mjs';
import { shortNames } from '../build/names.mjs';
import { kit } from '../src/panel/kit';
import { lazyFiles } from '../src/panel/lazy';
import { Failed } from '../src/talk/trouble';

describe('a built lazy file', () => {
  let built;

  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'lazy-')), 'fixture.mjs');
    await lazyFile('test/lazy/fixture.tsx', file);
    built = { code: readFileSync(file, 'utf8'), ...(await import(/* @vite-ignore */ pathToFileURL(file).href)) };
  });

  test('imports nothing, and does nothing before it is called', () => {
    expect(built.code).not.toMatch(/\bimport\b/);
    expect(Object.keys(built)).toEqual(['code', 'default']);
  });

  test("draws with the panel's Preact and throws what the panel catches", () => {
    const { View, fail } = built.default(Object.fromEntries(Object.entries(kit).map(([name, value]) => [shortNames()[name] ?? name, value])));
    expect(new View({})).toBeInstanceOf(Component);
    expect(new View({})[shortNames().render]()).toMatchObject({ type: 'b' });
    expect(fail).toThrow(Failed);
  });
});

describe('fetching one', () => {
  /** A fetcher that fails so often, and what it was asked for. */
  const fetcher = (failures) => {
    const asked = [];
    const fetchFile = (...file) => {
      asked.push(file);
      return asked.length <= failures ? Promise.reject(new Error('gone')) : Promise.resolve({ default: () => ({ here: true }) });
    };
    return { asked, lazy: lazyFiles(fetchFile) };
  };

  test('happens once, with the integrity that the build left', async () => {
    const { asked, lazy } = fetcher(0);
    expect(await lazy('more')).toBe(await lazy('more'));
    expect(asked).toEqual([['more.js', 'sha256-test', 0]]);
  });

  test('is tried again at the next call, under another address', async () => {
    const { asked, lazy } = fetcher(1);
    await expect(lazy('more')).rejects.toThrow('gone');
    expect((await lazy('more')).here).toBe(true);
    expect(asked.map(([, , attempt]) => attempt)).toEqual([0, 1]);
  });
});
