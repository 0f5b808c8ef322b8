// Which values are hidden, and which are left alone?
import { describe, expect, test } from 'vitest';
import { bullets, isCard, isIban, partsOf } from '../src/more/secrets';

const hidden = (text: string): string[] => partsOf(text).filter(({ secret }) => secret).map((part) => part.text);

describe('hidden', () => {
  test.each([
    ['4111 1111 1111 1111', 'a card in groups'],
    ['5500-0000-0000-0004', 'with hyphens'],
    ['378282246310005', 'of 15 digits'],
    ['DE89 3704 0044 0532 0130 00', 'an account in groups'],
    ['GB82WEST12345698765432', 'in one'],
    ['no9386011117947', 'in small letters'],
    ['078-05-1120', 'a US social security number'],
  ])('%s, %s', (value) => {
    expect(hidden(`It is ${value}, thank you.`)).toEqual([value]);
    expect(partsOf(`It is ${value}, thank you.`).map(({ text }) => text).join('')).toBe(`It is ${value}, thank you.`);
    expect(bullets(value)).toHaveLength(value.length);
    expect(bullets(value).slice(0, -4)).not.toMatch(/[\da-z]/i);
  });

  test('more than one, each by itself', () => {
    expect(hidden('4111111111111111 or 5500000000000004')).toEqual(['4111111111111111', '5500000000000004']);
  });
});

test.each([
  'Order 4111 1111 1111 1112',
  'tracking 1Z999AA10123456784',
  '00000000000000',
  'call +44 20 7946 0958',
  '2026-03-01T22:24:00 and 1.234.567,89',
  'DE00370400440532013000',
  '000-12-3456 is no number that was given out',
  'version 10.2.3-4567890',
  '',
])('"%s" is left as it is', (text) => {
  expect(hidden(text)).toEqual([]);
});

test('check digits are what counts', () => {
  expect([isCard('4111111111111111'), isCard('4111111111111121'), isCard('411')]).toEqual([true, false, false]);
  expect([isIban('DE89370400440532013000'), isIban('DE89370400440532013001'), isIban('DE89')]).toEqual([true, false, false]);
});

describe('what people put around them', () => {
  test.each([
    ['4111 1111 1111 1111 12/27', '4111 1111 1111 1111'],
    ['4111 1111 1111 1111 123', '4111 1111 1111 1111'],
    ['5500 0055 5555 5559 04 28', '5500 0055 5555 5559'],
    ['order 7 4111 1111 1111 1111', '4111 1111 1111 1111'],
    ['4111.1111.1111.1111', '4111.1111.1111.1111'],
    ['4111\u00a01111\u20091111  1111', '4111\u00a01111\u20091111  1111'],
    ['4111\n1111\t1111–1111', '4111\n1111\t1111–1111'],
    ['4111\u200b1111\u200b1111\u200b1111', '4111\u200b1111\u200b1111\u200b1111'],
    ['４１１１１１１１１１１１１１１１', '４１１１１１１１１１１１１１１１'],
    ['٤١١١١١١١١١١١١١١١', '٤١١١١١١١١١١١١١١١'],
    ['Visa4111111111111111', '4111111111111111'],
    ['4111111111111111exp12/27', '4111111111111111'],
    ['BE68 5390 0754 7034 from me', 'BE68 5390 0754 7034'],
    ['AT61 1904 3002 3457 3201 bitte', 'AT61 1904 3002 3457 3201'],
    ['ES91 2100 0418 4502 0005 1332 mi cuenta', 'ES91 2100 0418 4502 0005 1332'],
    ['SE45 5000 0000 0583 9825 7466 till', 'SE45 5000 0000 0583 9825 7466'],
    ['IBANDE89370400440532013000', 'DE89370400440532013000'],
    ['BE68-5390-0754-7034', 'BE68-5390-0754-7034'],
    ['123 45 6789', '123 45 6789'],
    ['SSN 123–45–6789', '123–45–6789'],
  ])('%j hides %j', (text, value) => {
    expect(hidden(text)).toEqual([value]);
    expect(partsOf(text).map((part) => part.text).join('')).toBe(text);
  });

  test('article numbers and times are no cards', () => {
    for (let i = 0; i < 1000; i++) expect(hidden(`978${String(i * 7_919_771).padStart(10, '0')} and ${1_700_000_000_000 + i}`)).toEqual([]);
  });
});
