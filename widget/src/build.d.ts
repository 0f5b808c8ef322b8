// What the build puts in: constants (build/options.mjs) and style sheets as text.
declare const __VERSION__: string;
declare const __PANEL_INTEGRITY__: string;
declare const __LAZY_SHA256__: Readonly<Record<string, string>>;
/** The languages besides English (src/words/languages/), in lists like `ar bg cs`, each with the hash of the file that has their hashes. */
declare const __LANGUAGES__: Readonly<Record<string, string>>;
declare const __ENGLISH_SHA256__: string;
/** The names of the texts in src/words/en.ts, in their order. */
declare const __WORDS__: readonly string[];
/** Whether it is frame.js, where the panel is all there is, rather than panel.js. */
declare const __FRAMED__: boolean;

declare module '*.css?inline' {
  const css: string;
  export default css;
}
