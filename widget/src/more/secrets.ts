// Which parts of a text should not be read over somebody's shoulder? Payment cards, bank accounts, US social security numbers.

export interface Part {
  readonly text: string;
  readonly secret: boolean;
}

/** Lengths of card numbers (ISO/IEC 7812) and the first digits that numbers of that length have. */
const CARDS: readonly (readonly [number, RegExp])[] = [[19, /^[456]/], [18, /^[56]/], [17, /^[56]/], [16, /^[2-6]/], [15, /^3/], [14, /^3/], [13, /^4/]];

/** Countries of the IBAN registry (ISO 13616) and how long their numbers are. */
const IBANS =
  'AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30';

/** ISO/IEC 7812: every second digit from the right doubled, the sum a multiple of ten. */
export function isCard(digits: string): boolean {
  if (!CARDS.some(([length, first]) => digits.length === length && first.test(digits)) || /\D|^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits.at(-1 - i)) * (i % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** ISO 13616: country and check digits at the end, letters as 10 to 35, the rest of a division by 97 is 1. */
export function isIban(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[\dA-Z]+$/.test(text) || ibanLength(text) !== text.length) return false;
  let rest = 0;
  for (const digit of [...(text.slice(4) + text.slice(0, 4))].map((one) => parseInt(one, 36)).join('')) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

/** 0 for what is no country of the registry. */
const ibanLength = (text: string): number => Number(new RegExp(`^(?:....)*${text.slice(0, 2)}(\\d\\d)`).exec(IBANS)?.[1] ?? 0);

/** Areas and groups that were never given out are no social security numbers. */
const SSN = /^(?!000|666|9)\d{3} (?!00)\d{2} (?!0000)\d{4}(?! ?\d)/;

/** As many characters, but every digit as 0-9, letters in capitals, and whatever people put between groups as a blank. */
const fold = (text: string): string =>
  text
    .replace(/\p{Nd}/gu, (digit) => (digit.length > 1 ? digit : `${valueOf(digit.charCodeAt(0))}`))
    .replace(/[\s\p{Pd}.\u200b-\u200d\u2060]/gu, (gap) => ' '.repeat(gap.length))
    .replace(/[a-z\uff21-\uff3a\uff41-\uff5a]/g, (letter) => letter.normalize('NFKC').toUpperCase());

/** Unicode has the ten digits of a script in a row, and rows begin where no digit stands before. */
function valueOf(digit: number): number {
  let first = digit;
  while (/\p{Nd}/u.test(String.fromCharCode(first - 1))) first--;
  return (digit - first) % 10;
}

/** Where the first `count` letters and digits end, if at most two blanks are between them; -1 if there are not so many. */
function endOf(folded: string, from: number, count: number): number {
  const found = new RegExp(`[\\dA-Z](?: {0,2}[\\dA-Z]){${count - 1}}`, 'y');
  found.lastIndex = from;
  return found.test(folded) ? found.lastIndex : -1;
}

/** The end of the secret that begins at `from`, or -1. */
function secretAt(folded: string, from: number): number {
  const begun = folded.slice(from, from + 2);
  const isDigit = (at: number) => /\d/.test(folded[at] ?? '');
  if (/^[A-Z]{2}/.test(begun)) {
    const end = ibanLength(begun) ? endOf(folded, from, ibanLength(begun)) : -1;
    return end > 0 && isIban(folded.slice(from, end).replace(/ /g, '')) ? end : -1;
  }
  if (!isDigit(from) || isDigit(from - 1)) return -1;
  for (const [length] of CARDS) {
    const end = endOf(folded, from, length);
    if (end > 0 && !isDigit(end) && isCard(folded.slice(from, end).replace(/ /g, ''))) return end;
  }
  const isApart = !/\d ?$/.test(folded.slice(Math.max(0, from - 2), from));
  return isApart && SSN.test(folded.slice(from, from + 13)) ? from + 11 : -1;
}

/** The text in parts, in order; put together they are the text. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const folded = fold(text);
  let from = 0;
  const add = (to: number, secret: boolean) => {
    if (to > from) parts.push({ text: text.slice(from, to), secret });
    from = to;
  };
  for (let at = 0; at < folded.length; at++) {
    const end = secretAt(folded, at);
    if (end < 0) continue;
    add(at, false);
    add(end, true);
    at = end - 1;
  }
  add(text.length, false);
  return parts;
}

/** What is seen in its place: how long it is and how it ends. */
export const bullets = (secret: string): string => secret.slice(0, -4).replace(/[\p{Nd}a-z]/giu, '•') + secret.slice(-4);
