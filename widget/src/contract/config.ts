// What may the server's public config say? Missing keys get defaults; a value of the wrong form is ignored.
import { form, freeze, list, record, within } from './shapes';

export interface Config {
  readonly title: string;
  readonly greeting: string;
  readonly suggestions: readonly string[];
  readonly disclosure: string;
  readonly locale: string;
  readonly limits: { readonly messageLength: number; readonly intervalMs: number };
  /** Which texts may be HTML, and whose pictures are loaded with them. */
  readonly content: { readonly htmlAnswers: boolean; readonly htmlGreeting: boolean; readonly imageHosts: readonly string[] };
  /** Domain mode: no session, no token; the gateway knows the visitor by address. */
  readonly tokenless: boolean;
  /** The host's server says who the visitor is. */
  readonly identified: boolean;
  /** A session needs a page ticket. */
  readonly tickets: boolean;
  /** The conversation outlives a reload of the page. */
  readonly resume: boolean;
  /** What owners can switch off. */
  readonly feedback: boolean;
  readonly transcript: boolean;
  readonly analytics: boolean;
  readonly masking: boolean;
  readonly consent: Consent | null;
}

/** What a visitor is asked before the first message. `text` may be empty; `link`: where it says more. */
export interface Consent {
  readonly text: string;
  readonly link: string;
  readonly required: boolean;
}

const text = (value: unknown, fallback: string, max: number): string =>
  form(value, /\S/, fallback).slice(0, max);

/** Typed, bounded and deeply frozen settings; the loader has already read the part that it needs. */
export function parseConfig(raw: unknown): Config {
  const given = record(raw);
  const limits = record(given.limits);
  const content = record(given.content);
  const features = record(given.features);
  const consent = record(features.consent);
  const on = (name: string) => features[name] !== false;
  return freeze({
    locale: form(given.locale, /^[\w-]+$/, 'auto'),
    title: text(given.title, '', 80),
    greeting: text(given.greeting, '', 600),
    suggestions: list(given.suggestions).map((s) => text(s, '', 200)).filter(Boolean).slice(0, 6),
    disclosure: text(given.disclosure, '', 300),
    limits: {
      messageLength: within(limits.message_length, 1, 100_000, 4000),
      intervalMs: within(limits.interval_ms, 0, 60_000, 0),
    },
    content: {
      htmlAnswers: content.html_answers === true,
      htmlGreeting: content.html_greeting === true,
      imageHosts: list(content.image_hosts).map((host) => form(host, /^[a-z\d.-]+(:\d+)?$/, '')).filter(Boolean).slice(0, 10),
    },
    tokenless: given.access_mode === 'domain',
    identified: given.access_mode === 'identity',
    tickets: features.tickets === true,
    resume: features.resume === true,
    feedback: on('feedback'),
    transcript: on('transcript'),
    analytics: on('analytics'),
    masking: on('masking'),
    consent: features.consent ? { text: text(consent.text, '', 600), link: text(consent.link, '', 500), required: consent.required !== false } : null,
  });
}
