// How is a file of this version loaded so that a changed one never runs?

/**
 * Preload with integrity, wait, then import.
 * After a failed preload an `import()` would load the changed file all the same, so there is none.
 * `attempt`: how often it has failed before. A browser remembers that a module failed; another query makes it another module.
 */
export function fetchFile<Module>(gateway: string, name: string, integrity: string, attempt: number): Promise<Module> {
  const link = document.createElement('link');
  const href = `${gateway}/widget/v${__VERSION__}/${name}${attempt ? `?retry=${attempt}` : ''}`;
  Object.assign(link, { rel: 'modulepreload', integrity, crossOrigin: 'anonymous', href });
  return new Promise<Module>((resolve, reject) => {
    link.onload = () => import(/* @vite-ignore */ href).then(resolve, reject);
    link.onerror = reject;
    if (link.relList.supports('modulepreload')) document.documentElement.append(link);
    else reject();
  }).finally(() => link.remove());
}
