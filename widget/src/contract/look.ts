// What does the closed chat look like? The few settings that the loader needs; the panel reads the rest (config.ts).

export interface Look {
  readonly locale: string;
  readonly theme: {
    readonly scheme: string;
    readonly accent: string;
    readonly position: string;
    readonly radius: number;
  };
  readonly launcher: { readonly label: string };
}

export const record = (value: unknown): Record<string, unknown> =>
  value && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

export const form = (value: unknown, pattern: RegExp, fallback: string): string =>
  typeof value === 'string' && pattern.test(value) ? value : fallback;

export const within = (value: unknown, low: number, high: number, fallback: number): number =>
  typeof value === 'number' && value >= low && value <= high ? value : fallback;

export function freeze<T>(value: T): T {
  if (value && typeof value === 'object') Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

export function parseLook(raw: unknown): Look {
  const given = record(raw);
  const theme = record(given.theme);
  return freeze({
    locale: form(given.locale, /^[a-z]{2,3}(-[a-z\d]{2,8})*$/i, 'en'),
    theme: {
      scheme: form(theme.scheme, /^(auto|light|dark)$/, 'auto'),
      accent: form(theme.accent, /^#[\da-f]{6}$/i, '#4f46e5'),
      position: form(theme.position, /^bottom-(left|right)$/, 'bottom-right'),
      radius: within(theme.radius, 0, 32, 16),
    },
    launcher: { label: form(record(given.launcher).label, /\S/, '').slice(0, 40) },
  });
}
