// How does half-written Markdown look while it streams? Open marks are closed, half links shown as their text,
// so that nothing flickers between source and result.

const count = (text: string, mark: RegExp): number => text.match(mark)?.length ?? 0;

/** A table is one as soon as its first row begins, not when the line below it is whole. */
function tableOf(head: string): string {
  const cells = head.replace(/\\\||\|\s*$/g, '').split('|').length - 1;
  return `\n${head}\n${'|---'.repeat(cells)}|`;
}

/** Only the last paragraph can be open; code blocks close themselves. */
export function mend(text: string): string {
  // Also those inside of a list or quote.
  if (count(text, /^[ \t>*+\d.)-]*(```|~~~)/gm) % 2) return text;
  const start = text.lastIndexOf('\n\n') + 1;
  let last = text.slice(start);
  const head = /^\n?(\|[^\n]+)(\n[|:\- ]*)?$/.exec(last)?.[1];
  if (head) return text.slice(0, start) + tableOf(head);
  if (count(last, /`/g) % 2) return text + '`';
  last = last
    // "[1" and "[a link](https://exa" are not readable yet.
    .replace(/!?\[([^\][\n]*)\]\([^()\s]*$/, '$1')
    .replace(/!?\[\d{0,2}$/, '')
    .replace(/(^|\s)([*_]{1,3}|~~)$/, '$1');
  const bold = count(last, /\*\*/g) % 2;
  const single = count(last.replace(/\*\*|^[ \t]*\*[ \t]/gm, ''), /\*/g) % 2;
  const open = (single ? '*' : '') + (bold ? '**' : '') + (count(last, /~~/g) % 2 ? '~~' : '');
  return text.slice(0, start) + (open ? last.trimEnd() + open : last);
}
