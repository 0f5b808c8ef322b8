// How is the time until something said to a person? "0:45", "14:59", "3 h 20 min", "2 days".
import type { Words } from './en';

const two = (n: number): string => String(n).padStart(2, '0');

export function duration(seconds: number, words: Words): string {
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  const hours = Math.floor(s / 3600);
  if (hours >= 48) return words.days(Math.round(hours / 24));
  const minutes = Math.floor((s % 3600) / 60);
  return minutes ? `${words.hours(hours)} ${words.minutes(minutes)}` : words.hours(hours);
}
