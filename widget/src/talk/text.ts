// What exactly is sent of what was typed, how long is it, and under which id? (The gateway counts code points after NFC.)

/** CRLF to LF, no control characters or lone surrogates (the gateway refuses them), no blank edges. */
export const clean = (typed: string): string =>
  typed
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, '')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .trim();

export const lengthOf = (text: string): number => {
  let count = 0;
  for (const _ of text.normalize('NFC')) count++;
  return count;
};

/** 122 random bits or more. randomUUID exists in secure contexts only, and an HTTPS page in a frame of an HTTP page is none. */
export const newKey = (): string => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
