// What the build puts in: constants (build/options.mjs) and style sheets as text.
declare const __VERSION__: string;
declare const __PANEL_INTEGRITY__: string;

declare module '*.css?inline' {
  const css: string;
  export default css;
}
