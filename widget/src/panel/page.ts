// Which page does the gateway learn about? Its address without query and fragment, and its title.
import type { Page } from '../talk/session';
import { clean } from '../talk/text';

export function pageOf(): Page | undefined {
  const { protocol, origin, pathname } = location;
  // A page's `<form name=title>` stands in the way of its title.
  const title = `${document.title}`;
  if (!/^https?:$/.test(protocol)) return undefined;
  return { url: (origin + pathname).slice(0, 1000), title: clean(title.replace(/\s+/g, ' ')).slice(0, 200) };
}
