// How is a part fetched that a first conversation does not need?
import type { Shell } from '../contract/shell';
import { kit } from './kit';
import type { Lazies } from './lazies';
import { until } from '../talk/wait';

/** A chat must not wait for ever for what it can do without. */
const PATIENCE_MS = 10_000;

/** What a lazy file exports: its module, once it has what it shares with the panel. */
type LazyFile<Module> = { default(shared: typeof kit): Module & object };

export type Lazy = <Name extends keyof Lazies>(name: Name) => Promise<Lazies[Name]>;

/**
 * The same module for each call with the same name. A failed fetch is not remembered: the next call tries again.
 * `adopt` gets the style sheet that a file may export as `css`. Rejects when the file cannot be had, or is not the one that was built with this panel.
 */
export function lazyFiles(fetchFile: Shell['fetchFile'], adopt: (css: string) => void = () => {}): Lazy {
  const known = new Map<string, Promise<unknown>>();
  const failures = new Map<string, number>();
  return <Name extends keyof Lazies>(name: Name) => {
    let module = known.get(name) as Promise<Lazies[Name]> | undefined;
    if (!module) {
      const failed = failures.get(name) ?? 0;
      module = until(fetchFile<LazyFile<Lazies[Name]>>(`${name}.js`, `sha256-${__LAZY_SHA256__[name]}`, failed), AbortSignal.timeout(PATIENCE_MS)).then((file) => {
        const found = file.default(kit);
        if ('css' in found) adopt(found.css as string);
        return found;
      });
      known.set(name, module);
      module.catch(() => {
        known.delete(name);
        failures.set(name, failed + 1);
      });
    }
    return module;
  };
}
