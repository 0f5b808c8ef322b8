// How is the time until something said to a person? "0:45", "14:59", "3 hr 20 min", "2 days", as in the language.

export function duration(seconds: number, lang: string): string {
  const s = Math.max(0, Math.ceil(seconds));
  const say = (n: number, how: Intl.NumberFormatOptions) => n.toLocaleString(lang, how);
  // Short forms have no cases; days are never one, and several days are the same after the prepositions of all our languages.
  const units = (n: number, unit: string) => say(n, { style: 'unit', unit, unitDisplay: unit === 'day' ? 'long' : 'short' });
  if (s < 3600) return `${say(Math.floor(s / 60), {})}:${say(s % 60, { minimumIntegerDigits: 2 })}`;
  const hours = Math.floor(s / 3600);
  if (hours >= 48) return units(Math.round(hours / 24), 'day');
  const minutes = Math.floor((s % 3600) / 60);
  return units(hours, 'hour') + (minutes ? ` ${units(minutes, 'minute')}` : '');
}
