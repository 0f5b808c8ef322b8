// Which property names are only ours? They become short, and the same in every file. A name that a page, a browser, the wire or a language knows may not be here.
import { readdirSync, readFileSync } from 'node:fs';

const OWN = `
  scene tokens words tokenizer lexer messageId setState chat trouble render conversationId inlineQueue draft reach loose phase blocked
  componentDidUpdate componentWillUnmount inlineTokens messageLength componentDidMount retryAfter serverTime tokenless answeredAt blockTokens drawn
  linkEmitted onAsk onEdit revision shell inLink inlineText isLast lazy linkParenPossible running shouldComponentUpdate silenceMs autolink codespan
  forceUpdate isShut lastToken onDraft redraw resetAt settled askedAt blockedUntil correct enrich expire getSnapshotBeforeUpdate identified intervalMs
  isEarlier isFolded isHtml lastPossibleDelCloserIndex lastPossibleEmStrongCloserIndex lifeMs limitType maskedSrc newExchange nodesOf onSend told
  admitted canChange debounceRendering emStrong fetchFile htmlAnswers htmlGreeting imageHosts isModal isOffline life look onFresh onMenu onReady
  prepare prover renew takeBack whenOnline backoffMs copyByCommand onAnswer onCancel onClear isQuestion reflink replyTo
  place wire isLinked onClose identify since
  isWhole isShort onLeave isCleared isRepeated isThere
`.trim().split(/\s+/);

/** Names that others know: browsers, the pages that use the widget (its promise to them), the owners that change its texts, and the gateway. */
function foreign() {
  const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const listed = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);
  const gateway = ['../../src/chatkeep/accept/', '../../src/chatkeep/admit/'].flatMap((folder) =>
    readdirSync(new URL(folder, import.meta.url)).filter((file) => file.endsWith('.py')).map((file) => folder + file));
  return new Set([
    ...gateway.flatMap((file) => listed(read(file), /^ {4}(\w+): /gm)),
    ...listed(read('../node_modules/terser/tools/domprops.js'), /^ {4}"(.+)",?$/gm),
    ...listed(read('../src/contract/page.ts'), /^ {2}(?:readonly )?(\w+)[?(:]/gm),
    ...listed(read('../src/words/en.ts'), /^ {2}'?([\w.]+)'?:/gm),
  ]);
}

/** Names of one letter for the first, which are the most frequent; without those of kit.ts (h), of places in texts (n), of SVG (d, r, x, y) and of JWK (x, y). */
const SHORTEST = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZbcefgijklmopqstuvwz'];
const SHORT = [...'ABCD'].flatMap((first) => SHORTEST.map((second) => first + second));

/** For terser's `mangle.props` and `nameCache`. */
export function shortNames() {
  const known = foreign();
  const wrong = OWN.filter((name) => known.has(name));
  if (wrong.length) throw new Error(`${wrong.join(', ')}: others know these names; take them out of build/names.mjs`);
  const names = [...SHORTEST, ...SHORT];
  return Object.fromEntries(OWN.map((name, i) => [name, names[i]]));
}
