// Which character does `&amp;` stand for? marked leaves references to a browser that we never hand HTML to.

const NAMED: Record<string, string> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', hellip: '…', mdash: '—', ndash: '–', euro: '€',
  copy: '©', rarr: '→', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”',
};

/** Nothing that turns the reading direction around (a link's label could read as another place), no towers of marks that take seconds to draw. */
export const calm = (text: string): string => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '').replace(/(\p{M}{16})\p{M}+/gu, '$1');

export const decode = (text: string): string =>
  calm(text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (all, decimal?: string, hex?: string, name?: string) => {
    if (name) return Object.hasOwn(NAMED, name) ? NAMED[name]! : all;
    const point = decimal ? Number(decimal) : parseInt(hex!, 16);
    const printable = (point > 31 || point === 9 || point === 10) && point < 0x110000 && (point < 0xd800 || point > 0xdfff);
    return printable ? String.fromCodePoint(point) : '\ufffd';
  }));
