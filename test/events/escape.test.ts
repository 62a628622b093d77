import { expect, test } from 'vitest';
import { escapeActive } from '../../src/events/escape.ts';

test.each([
  ['a terminal escape', '\u001b[2J', '\\u001b[2J'],
  ['ends of lines', 'a\r\nb\u0085c\u2028d\u2029', 'a\\u000d\\u000ab\\u0085c\\u2028d\\u2029'],
  ['NUL, DEL and C1', '\0\u007f\u009b', '\\u0000\\u007f\\u009b'],
  ['what turns the direction of text', '\u202e\u2066\u061c', '\\u202e\\u2066\\u061c'],
  [
    'what is not seen: zero widths, soft hyphens, tags',
    '\u200b\u00ad\ufeff\u{e0041}',
    '\\u200b\\u00ad\\ufeff\\udb40\\udc41',
  ],
  ['half of a surrogate pair', '\ud83d!', '\\ud83d!'],
])('%s is shown and does nothing', (_what, text, shown) => {
  expect(escapeActive(text)).toBe(shown);
});

test('what people write is left as it is', () => {
  const text = 'Zoë, 東京, עברית, 😀 <b> "4.14.0" \\';
  expect(escapeActive(text)).toBe(text);
});

test('JSON stays the same JSON', () => {
  const value = { 'k\u009b': ['a\u2028b\u202e', '\u{e0041}', '\\u2028'] };
  expect(JSON.parse(escapeActive(JSON.stringify(value)))).toEqual(value);
});
