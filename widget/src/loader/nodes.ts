// How are nodes made without an HTML string? (Trusted Types on the host page forbid every HTML sink.)

type Attributes = Record<string, string>;

function fill<E extends Element>(element: E, attributes: Attributes, children: (Node | string)[]): E {
  for (const name in attributes) element.setAttribute(name, attributes[name]!);
  element.append(...children);
  return element;
}

export const node = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => fill(document.createElement(name), attributes, children);

const svg = (name: string, attributes: Attributes, ...children: Node[]): Element =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

/** A 24 x 24 line icon of one or more paths. */
export const icon = (kind: string, ...paths: string[]): Element =>
  svg('svg', { viewBox: '0 0 24 24', class: `icon ${kind}`, 'aria-hidden': 'true' }, ...paths.map((d) => svg('path', { d })));
