// How does HTML that others wrote become nodes? DOMPurify parses and cleans it, and what it leaves is made anew from a
// fixed list. The only file that may parse HTML (test/house.test.ts).
import DOMPurify from 'dompurify';
import { h, type ComponentChild } from 'preact';
import { target } from '../markdown/links';
import { link } from '../markdown/render';
import { kept } from '../panel/kept';

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

/** Null where the page forbids it, and says so: DOMPurify would silently return nothing. False where none is needed. */
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
    console.warn('Chatkeep: this page forbids the Trusted Types policy "chatkeep", so rich answers are plain text.');
    return null;
  }
}

if (kept.policy === undefined) kept.policy = makePolicy();
if (kept.policy !== null) DOMPurify.setConfig({ ...CONFIG, TRUSTED_TYPES_POLICY: (kept.policy || null) as null });

/** Null where the page forbids it: then the text is shown. `imageHosts`: whose pictures are loaded, over HTTPS. */
export function nodesOf(html: string, imageHosts: readonly string[], labels: Labels): ComponentChild {
  const clean: unknown = kept.policy !== null && DOMPurify.sanitize(html);
  if (!(clean instanceof DocumentFragment)) return null;

  // The fragment stays in the document in which it was parsed, which loads nothing.
  const inside = (node: Node, depth: number): ComponentChild[] => [...node.childNodes].map((child) => one(child, depth + 1));

  function one(node: Node, depth: number): ComponentChild {
    if (!(node instanceof Element)) return node.nodeType === Node.TEXT_NODE ? node.nodeValue : null;
    const { localName: kind } = node;
    if (depth > DEPTH) return node.textContent;
    const given = (name: string) => node.getAttribute(name) ?? '';
    if (PLAIN.has(kind)) return h(kind, null, inside(node, depth));
    if (HEADING.test(kind)) return <h3 class={`h${Math.min(Number(kind[1]), 4)}`}>{inside(node, depth)}</h3>;
    if (kind === 'a') return link(given('href'), given('title'), inside(node, depth), node.textContent);
    if (kind === 'img') return picture(given('src'), given('alt'), given('title'));
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

  function picture(address: string, alt: string, title: string): ComponentChild {
    const to = target(address);
    if (to && imageHosts.some((host) => to.href.startsWith(`https://${host}/`)))
      return <img src={to.href} alt={alt} title={title} loading="lazy" referrerPolicy="no-referrer" />;
    return link(address, title, [`${labels.image}: ${alt}`], '');
  }

  return inside(clean, 0);
}

/** A thousand columns take as long as a thousand cells, and show nothing more. */
const span = (given: string): number | undefined => (/^\d+$/.test(given) ? Math.min(Number(given), 50) : undefined);
