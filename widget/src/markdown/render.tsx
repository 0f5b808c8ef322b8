// Which nodes does an answer become? A fixed list of token kinds; anything else is shown as its source text.
import { h, type ComponentChild, type VNode } from 'preact';
import type { MarkedToken, Token, Tokens } from 'marked';
import { CLOSING, cut } from './citations';
import { calm, decode } from './entities';
import { OUT, target, tells } from './links';
import { DEPTH } from './tokens';

export interface Setting {
  readonly known: ReadonlySet<number>;
  cite(index: number): ComponentChild;
  /** Inside of a link nothing else can be followed. */
  readonly isLinked?: true;
  code(text: string, language: string): ComponentChild;
  readonly words: { readonly image: string; readonly table: string };
  /** Whose pictures are loaded. */
  readonly imageHosts: readonly string[];
}

export const render = (tokens: readonly Token[], setting: Setting, depth = 0): ComponentChild[] =>
  tokens.map((token) => {
    try {
      return depth > DEPTH ? token.raw : one(token as MarkedToken, setting, depth + 1);
    } catch {
      // A part that cannot be drawn is still an answer.
      return token.raw;
    }
  });

function one(token: MarkedToken, setting: Setting, depth: number): ComponentChild {
  const inside = (tokens: readonly Token[] | undefined) => render(tokens ?? [], setting, depth);
  switch (token.type) {
    case 'paragraph':
      return <p>{inside(token.tokens)}</p>;
    case 'text':
      return token.tokens ? inside(token.tokens) : written(token.text, setting);
    case 'escape':
      return token.text;
    case 'strong':
      return <strong>{inside(token.tokens)}</strong>;
    case 'em':
      return <em>{inside(token.tokens)}</em>;
    case 'del':
      return <del>{inside(token.tokens)}</del>;
    case 'codespan':
      return <code>{calm(token.text)}</code>;
    case 'br':
      return <br />;
    case 'hr':
      return <hr />;
    case 'space':
    case 'checkbox':
      return null;
    case 'heading':
      // One level for all: the panel's title is a level 2, and answers must not break the page's outline.
      return <h3 class={`h${Math.min(token.depth, 4)}`}>{inside(token.tokens)}</h3>;
    case 'blockquote':
      return <blockquote>{inside(token.tokens)}</blockquote>;
    case 'code':
      return setting.code(calm(token.text), /^[\w+#.-]{1,20}/.exec(token.lang ?? '')?.[0] ?? '');
    case 'list':
      return list(token, inside);
    case 'table':
      return table(token, inside, setting);
    case 'link':
      return setting.isLinked ? inside(token.tokens) : link(decode(token.href), decode(token.title ?? ''), render(token.tokens, linked(setting), depth), label(token.tokens));
    case 'image':
      return setting.isLinked
        ? `${setting.words.image}: ${decode(token.text)}`
        : picture(decode(token.href), decode(token.title ?? ''), decode(token.text), setting.words.image, setting.imageHosts);
    default:
      return token.raw;
  }
}

function written(text: string, { known, cite }: Setting): ComponentChild {
  const parts = cut(decode(text), known);
  return parts.map((part, i) => {
    const before = typeof parts[i - 1] === 'number';
    if (typeof part === 'string') return before ? part.replace(CLOSING, '') : part;
    const next = parts[i + 1];
    return (
      <span class="tied">
        {cite(part)}
        {typeof next === 'string' && CLOSING.exec(next)?.[0]}
      </span>
    );
  });
}

type Inside = (tokens: readonly Token[] | undefined) => ComponentChild[];

function list({ ordered, start, items }: Tokens.List, inside: Inside): VNode {
  const entries = items.map((item) => (
    <li class={item.task ? 'task' : ''}>
      {item.task && <span class="box">{item.checked ? '☑' : '☐'} </span>}
      {inside(item.tokens)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{entries}</ol> : <ul>{entries}</ul>;
}

function table({ header, rows }: Tokens.Table, inside: Inside, { words }: Setting): VNode {
  const cell = (c: Tokens.TableCell) =>
    c.header ? (
      <th scope="col" class={c.align ?? ''}>
        {inside(c.tokens)}
      </th>
    ) : (
      <td class={c.align ?? ''}>{inside(c.tokens)}</td>
    );
  // Wide tables scroll by themselves, also with the keyboard.
  return (
    <div class="wide" tabIndex={0} role="group" aria-label={words.table}>
      <table>
        <thead>
          <tr>{header.map(cell)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>{row.map(cell)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const linked = (setting: Setting): Setting => ({ ...setting, isLinked: true, cite: (index) => `[${index}]` });

/** What the visitor reads of a link, if it is text alone. */
const label = (tokens: readonly Token[]): string =>
  tokens.every(({ type }) => type === 'text' || type === 'escape') ? tokens.map((token) => (token as Tokens.Text).text).join('') : '';

/** Loaded only from the hosts that the owner names, over HTTPS: a picture's address can carry the conversation away. */
export function picture(address: string, title: string, alt: string, label: string, hosts: readonly string[]): ComponentChild {
  const to = target(address);
  if (to && hosts.some((host) => to.href.startsWith(`https://${host}/`)))
    return <img src={to.href} alt={alt} title={title} loading="lazy" referrerPolicy="no-referrer" />;
  return link(address, title, [`${label}: ${alt}`], '');
}

/** `text`: what the visitor reads of `children`; unless that is the link's address, the place where it leads is added. */
export function link(address: string, title: string, children: ComponentChild[], text: string): ComponentChild {
  const to = target(address);
  if (!to) return [children, address && ` (${address})`];
  return (
    <a href={to.href} title={title ? `${title} - ${to.href}` : to.href} {...OUT}>
      {children}
      {!tells(text, to) && <span class="host"> ({to.place})</span>}
    </a>
  );
}
