// Which parts of a text should not be read over somebody's shoulder? Payment cards, bank accounts, US social security numbers.

export interface Part {
  readonly text: string;
  readonly secret: boolean;
}

const CANDIDATE = /(?<![\dA-Z])(?:[A-Z]{2}\d{2}(?: ?[\dA-Z]{4}){2,7}(?: ?[\dA-Z]{1,3})?|\d(?:[ -]?\d){12,18}|\d{3}-\d{2}-\d{4})(?![\dA-Z])/gi;

/** ISO/IEC 7812: every second digit from the right doubled, the sum a multiple of ten. */
export function isCard(digits: string): boolean {
  if (!/^\d{13,19}$/.test(digits) || /^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits.at(-1 - i)) * (i % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** ISO 13616: country and check digits at the end, letters as 10 to 35, the rest of a division by 97 is 1. */
export function isIban(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[\dA-Z]{11,30}$/.test(text)) return false;
  let rest = 0;
  for (const digit of [...(text.slice(4) + text.slice(0, 4))].map((one) => parseInt(one, 36)).join('')) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

/** Areas and groups that were never given out are no social security numbers. */
const isSsn = (text: string): boolean => /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/.test(text);

/** The text in parts, in order; put together they are the text. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  const add = (to: number, secret: boolean) => {
    if (to > from) parts.push({ text: text.slice(from, to), secret });
    from = to;
  };
  for (const { 0: found, index } of text.matchAll(CANDIDATE)) {
    const plain = found.replace(/[ -]/g, '').toUpperCase();
    if (!isCard(plain) && !isIban(plain) && !isSsn(found)) continue;
    add(index, false);
    add(index + found.length, true);
  }
  add(text.length, false);
  return parts;
}

/** What is seen in its place: how long it is and how it ends. */
export const bullets = (secret: string): string => secret.slice(0, -4).replace(/[\da-z]/gi, '•') + secret.slice(-4);
