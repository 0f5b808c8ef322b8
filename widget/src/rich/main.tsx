// How does HTML that others wrote become nodes? DOMPurify parses and cleans it, and what it leaves is made anew from a
// fixed list. The only file that may parse HTML (test/house.test.ts).
import DOMPurify from 'dompurify';
import { h, type ComponentChild } from 'preact';
import { calm, decode } from '../markdown/entities';
import { link, picture } from '../markdown/render';
import { kept } from '../panel/kept';
import { plainOf } from '../panel/rich';

interface Labels {
  readonly image: string;
  readonly table: string;
}

/** Drawn as they are, without any attribute. */
const PLAIN = new Set(
  'p br hr div span strong b em i u s del ins sub sup small mark code pre kbd samp blockquote ul li caption thead tbody tfoot tr dl dt dd'.split(' '),
);
const HEADING = /^h[1-6]$/;
/** Deeper than pages are. */
const DEPTH = 60;

const CONFIG = {
  ALLOWED_TAGS: [...PLAIN, 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'a', 'img', 'ol', 'table', 'th', 'td'],
  // No id, name, class or style.
  ALLOWED_ATTR: ['href', 'src', 'title', 'alt', 'start', 'colspan', 'rowspan'],
  ALLOWED_NAMESPACES: ['http://www.w3.org/1999/xhtml'],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

interface Policies {
  createPolicy(name: string, rules: { createHTML(html: string): string; createScriptURL(url: string): string }): unknown;
}

/** Null where the page forbids it: DOMPurify would silently return nothing. False where none is needed. */
function makePolicy(): unknown {
  try {
    return (
      (window as { trustedTypes?: Policies }).trustedTypes?.createPolicy('chatkeep', {
        // DOMPurify asks before it parses, into a document that runs and loads nothing.
        createHTML: (html) => html,
        createScriptURL: () => 'about:blank',
      }) ?? false
    );
  } catch {
    return null;
  }
}

if (kept.policy === undefined) kept.policy = makePolicy();
if (kept.policy === null) console.warn('Chatkeep: this page forbids the Trusted Types policy "chatkeep", so rich answers are plain text.');
else DOMPurify.setConfig({ ...CONFIG, TRUSTED_TYPES_POLICY: (kept.policy || null) as null });

const HREF = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))/i;

/** Where nothing may parse HTML: its plain text, and its links as everywhere else. */
function withLinks(html: string): ComponentChild {
  const addresses: string[] = [];
  // Two characters of the private use area stand for where a link begins and ends.
  const marked = html
    .replace(/[\uE000\uE001]/g, '')
    .replace(/<a\b([^<>]*)>/gi, (_, given: string) => {
      addresses.push(decode(HREF.exec(given)?.slice(1).find(Boolean) ?? ''));
      return '\uE000';
    })
    .replace(/<\/a\s*>/gi, '\uE001');
  const one = (piece: string): ComponentChild => {
    const text = piece.replace(/[\uE000\uE001]/g, '');
    return piece.startsWith('\uE000') ? link(addresses.shift() ?? '', '', [text], text) : text;
  };
  const all = plainOf(marked);
  return all && all.split('\n').map((line) => <p>{line.split(/(\uE000[^\uE000\uE001]*)/).map(one)}</p>);
}

/** Null where nothing can be drawn: then the text is shown. `imageHosts`: whose pictures are loaded, over HTTPS. */
export function nodesOf(html: string, imageHosts: readonly string[], labels: Labels): ComponentChild {
  if (kept.policy === null) return withLinks(html) || null;
  const clean: unknown = DOMPurify.sanitize(html);
  if (!(clean instanceof DocumentFragment)) return null;

  // The fragment stays in the document in which it was parsed, which loads nothing.
  const inside = (node: Node, depth: number): ComponentChild[] => [...node.childNodes].map((child) => one(child, depth + 1));

  function one(node: Node, depth: number): ComponentChild {
    if (!(node instanceof Element)) return node.nodeType === Node.TEXT_NODE ? calm(node.nodeValue!) : null;
    const { localName: kind } = node;
    if (depth > DEPTH) return node.textContent;
    const given = (name: string) => node.getAttribute(name) ?? '';
    if (PLAIN.has(kind)) return h(kind, null, inside(node, depth));
    if (HEADING.test(kind)) return <h3 class={`h${Math.min(Number(kind[1]), 4)}`}>{inside(node, depth)}</h3>;
    if (kind === 'a') return link(given('href'), given('title'), inside(node, depth), node.textContent);
    if (kind === 'img') return picture(given('src'), given('title'), given('alt'), labels.image, imageHosts);
    if (kind === 'ol') return <ol start={parseInt(given('start'), 10) || 1}>{inside(node, depth)}</ol>;
    if (kind === 'table')
      return (
        <div class="wide" tabIndex={0} role="group" aria-label={labels.table}>
          <table>{inside(node, depth)}</table>
        </div>
      );
    if (kind === 'th' || kind === 'td') return h(kind, { colSpan: span(given('colspan')), rowSpan: span(given('rowspan')) }, inside(node, depth));
    return inside(node, depth);
  }

  return inside(clean, 0);
}

/** A thousand columns take as long as a thousand cells, and show nothing more. */
const span = (given: string): number | undefined => (/^\d+$/.test(given) ? Math.min(Number(given), 50) : undefined);
