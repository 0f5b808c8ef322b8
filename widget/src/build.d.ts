// What the build puts in: constants (build/options.mjs) and style sheets as text.
declare const __VERSION__: string;
declare const __PANEL_INTEGRITY__: string;
declare const __LAZY_SHA256__: Readonly<Record<string, string>>;
/** By the name of the language (src/words/languages/). */
declare const __LANGUAGE_SHA256__: Readonly<Record<string, string>>;

declare module '*.css?inline' {
  const css: string;
  export default css;
}
