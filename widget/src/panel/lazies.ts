// Which parts are fetched only when they are needed? Each line is one file next to panel.js; build/lazies.mjs reads them.

export interface Lazies {
  languages: typeof import('../words/match');
  more: typeof import('../more/main');
  report: typeof import('../report/main');
  resume: typeof import('../resume/main');
  rich: typeof import('../rich/main');
}
