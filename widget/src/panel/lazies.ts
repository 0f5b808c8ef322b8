// Which parts are fetched only when they are needed? Each line is one file next to panel.js; build/lazies.mjs reads them.

export interface Lazies {
  more: typeof import('../more/main');
  resume: typeof import('../resume/main');
  rich: typeof import('../rich/main');
}
