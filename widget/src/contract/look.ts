// What does the closed chat look like? The few settings that the loader needs; the panel reads the rest (config.ts).
import { form, freeze, list, record } from './shapes';

/** CSS custom properties by name. */
type Values = Readonly<Record<string, string>>;

export interface Look {
  readonly theme: {
    readonly scheme: string;
    readonly position: string;
    readonly shape: Values;
    readonly light: Values;
    readonly dark: Values;
  };
  readonly launcher: { readonly label: string; readonly name: string; readonly style: string; readonly icon: readonly string[] };
}

/** Plain values only: nothing that names an address, be it one of the page itself. */
const values = (value: unknown): Values =>
  Object.fromEntries(Object.entries(record(value)).filter(([name, v]) => /^--/.test(name) && form(v, /^(?!.*(url|src|image[-\w]*)\()[\w #%.,()'-]+$/i, ''))) as Values;

export function parseLook(raw: unknown): Look {
  const given = record(raw);
  const theme = record(given.theme);
  const launcher = record(given.launcher);
  return freeze({
    theme: {
      scheme: form(theme.scheme, /./, ''),
      position: form(theme.position, /./, ''),
      shape: values(theme.shape),
      light: values(theme.light),
      dark: values(theme.dark),
    },
    launcher: {
      label: form(launcher.label, /\S/, '').slice(0, 40),
      // The owner's words are in the page's language; ours come with the panel.
      name: form(launcher.label, /\S/, form(given.title, /\S/, '')).slice(0, 60),
      style: form(launcher.style, /^\w+$/, ''),
      icon: list(launcher.icon).map(String),
    },
  });
}
