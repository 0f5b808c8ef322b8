// How is a file of this version loaded so that a changed one never runs?

/** Where the files of this version are. */
export const filesOf = (gateway: string): string => `${gateway}/widget/v${__VERSION__}/`;

/**
 * Preload with integrity, wait, then import.
 * After a failed preload an `import()` would load the changed file all the same, so there is none.
 * What is checked here has an address of its own (the fragment): a module that the page has fetched before, unchecked, is another one.
 * `attempt`: how often it has failed before. A browser remembers that a module failed; another query makes it another module.
 */
export function fetchFile<Module>(gateway: string, name: string, integrity: string, attempt: number): Promise<Module> {
  const link = document.createElement('link');
  const href = `${filesOf(gateway)}${name}${attempt ? `?retry=${attempt}` : ''}#${integrity}`;
  Object.assign(link, { rel: 'modulepreload', integrity, crossOrigin: 'anonymous', href });
  return new Promise<Module>((resolve, reject) => {
    link.onload = () => import(/* @vite-ignore */ href).then(resolve, reject);
    link.onerror = reject;
    if (link.relList.supports('modulepreload')) document.documentElement.append(link);
    else reject();
  }).finally(() => link.remove());
}
