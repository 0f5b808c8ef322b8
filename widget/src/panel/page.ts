// Which page does the gateway learn about? Its address without query and fragment, and its title.
import type { Page } from '../talk/session';
import { clean } from '../talk/text';

export function pageOf(): Page | undefined {
  const { protocol, origin, pathname } = location;
  if (!/^https?:$/.test(protocol)) return undefined;
  return { url: (origin + pathname).slice(0, 1000), title: clean(document.title.replace(/\s+/g, ' ')).slice(0, 200) };
}
