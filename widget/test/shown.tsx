// How do virtual nodes look as a short text, and is each of them on the list of what an answer may become?
import { h, type ComponentChild, type VNode } from 'preact';
import { expect } from 'vitest';
import type { Setting } from '../src/markdown/render';

export const setting: Setting = {
  known: new Set([1, 2]),
  imageHosts: ['pictures.example'],
  cite: (index) => <sup>{index}</sup>,
  code: (text, language) => <pre class={language}>{text}</pre>,
  words: { image: 'Image', table: 'Table' },
};

const ALLOWED = new Set(
  'p strong em del code br hr h3 blockquote pre ul ol li span div table thead tbody tr th td a sup'.split(' '),
);
// The last two are put in by JSX outside of a build.
const ATTRIBUTES = new Set('class start scope tabIndex role aria-label href title target rel __self __source'.split(' '));

/** Nodes as a short text: <a href=…>…</a>; throws on any element or attribute that is not on the list. */
export function show(child: ComponentChild): string {
  if (child === null || child === undefined || typeof child === 'boolean') return '';
  if (Array.isArray(child)) return child.map(show).join('');
  if (typeof child !== 'object') return String(child).replaceAll('<', '‹');
  const { type, props } = child as VNode<Record<string, unknown>>;
  if (typeof type !== 'string') return show(props.children as ComponentChild);
  if (!ALLOWED.has(type)) throw new Error(`an element <${type}>`);
  const { children, ...rest } = props;
  for (const name in rest) if (!ATTRIBUTES.has(name)) throw new Error(`an attribute ${name}`);
  const { href } = rest;
  if (type === 'a') {
    expect(String(href)).toMatch(/^(https?:\/\/|mailto:|tel:)/);
    expect(rest).toMatchObject({ rel: 'noopener noreferrer nofollow ugc', target: '_blank' });
  }
  return `<${type}${href ? ` ${String(href)}` : ''}>${show(children as ComponentChild)}</${type}>`;
}
