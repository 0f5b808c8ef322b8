// Which colours are readable on and beside the owner's accent? (WCAG 2.2 relative luminance; AA is 4.5.)

type Rgb = [number, number, number];

const parts = (hex: string): Rgb => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) as Rgb;

const join = (rgb: Rgb): string =>
  '#' + rgb.map((v) => Math.round(v).toString(16).padStart(2, '0')).join('');

function luminance(hex: string): number {
  const [r, g, b] = parts(hex).map((v) => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio of two `#rrggbb` colours, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a) + 0.05, luminance(b) + 0.05];
  return x > y ? x / y : y / x;
}

/** *share* of `b` in `a`. */
export function mix(a: string, b: string, share: number): string {
  const [from, to] = [parts(a), parts(b)];
  return join(from.map((v, i) => v + (to[i]! - v) * share) as Rgb);
}

/** Text colour on the accent: white, else near-black, else black (black always reaches AA where white does not). */
export function inkOn(accent: string): string {
  return ['#ffffff', '#111827'].find((c) => contrast(c, accent) >= 4.5) ?? '#000000';
}

/** The accent itself, moved towards `pole` only as far as `wanted` contrast on `surface` needs. */
export function readable(accent: string, surface: string, pole: string, wanted: number): string {
  let tried = accent;
  for (let share = 0; share < 1 && contrast(tried, surface) < wanted; share += 0.05) tried = mix(accent, pole, share);
  return tried;
}

/** The custom properties that depend on the accent and on light or dark. */
export function accentTokens(accent: string, dark: boolean): Record<string, string> {
  const [surface, pole] = dark ? ['#181a20', '#ffffff'] : ['#ffffff', '#000000'];
  // Near-black accents vanish on the dark panel and near-white ones on the light one, so fills keep a distance.
  const fill = readable(accent, surface!, pole!, dark ? 2.4 : 1.6);
  const ink = inkOn(fill);
  return {
    '--fill': fill,
    // The gradient's other end goes away from the ink, so that it can only raise the contrast.
    '--fill2': mix(fill, ink === '#ffffff' ? '#000000' : '#ffffff', 0.16),
    '--ink': ink,
    // Links also stand on tinted rows, which are worse than the plain surface (the share is that of panel.css).
    '--accent': readable(accent, mix(surface!, fill, 0.14), pole!, 4.5),
  };
}
