// Which character does `&amp;` stand for? marked leaves references to a browser that we never hand HTML to.

const NAMED: Record<string, string> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', hellip: '…', mdash: '—', ndash: '–', euro: '€',
  copy: '©', reg: '®', trade: '™', times: '×', deg: '°', bull: '•', middot: '·', rarr: '→', larr: '←', pound: '£',
  lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', eacute: 'é', uuml: 'ü', ouml: 'ö', auml: 'ä',
};

export const decode = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (all, decimal?: string, hex?: string, name?: string) => {
    if (name) return Object.hasOwn(NAMED, name) ? NAMED[name]! : all;
    const point = decimal ? Number(decimal) : parseInt(hex!, 16);
    const printable = point > 31 && point < 0x110000 && (point < 0xd800 || point > 0xdfff);
    return printable ? String.fromCodePoint(point) : '\ufffd';
  });
