// How is the panel loaded so that a changed file never runs?
import type { PanelModule } from '../contract/shell';

/**
 * Preload with integrity, wait, then import.
 * After a failed preload an `import()` would load the changed file all the same, so there is none.
 */
export function fetchPanel(gateway: string, attempt: number): Promise<PanelModule> {
  // A browser remembers that a module failed; another query makes it another module.
  const href = `${gateway}/widget/v${__VERSION__}/panel.js${attempt ? `?retry=${attempt}` : ''}`;
  const link = document.createElement('link');
  link.rel = 'modulepreload';
  link.integrity = __PANEL_INTEGRITY__;
  link.crossOrigin = 'anonymous';
  link.href = href;
  return new Promise<PanelModule>((resolve, reject) => {
    link.onload = () => import(/* @vite-ignore */ href).then(resolve, reject);
    link.onerror = () => reject(new Error('panel_failed'));
    if (link.relList.supports('modulepreload')) document.head.append(link);
    else reject(new Error('panel_failed'));
  }).finally(() => link.remove());
}
