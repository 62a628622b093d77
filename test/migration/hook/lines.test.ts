import { expect, test } from 'vitest';
import { LineReader } from '../../../src/migration/hook/lines.ts';

/** What is told of `text` when it comes in pieces of `size` bytes. */
function linesOf(text: string, size: number): string[] {
  const told: string[] = [];
  const reader = new LineReader((line) => told.push(line));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size));
  reader.end();
  return told;
}

test.each([1, 2, 3, 7, 1_000])('lines are whole however they come, in pieces of %i bytes', (size) => {
  expect(linesOf('one\n\nzwölf\nunfinished', size)).toEqual(['one', '', 'zwölf', 'unfinished']);
});

test('a line without end is passed over, and not kept', () => {
  expect(linesOf(`${'x'.repeat(1_000_000)}\nafter\n`, 65_536)).toEqual(['after']);
  expect(linesOf('x'.repeat(1_000_000), 65_536)).toEqual([]);
});

test('of many lines at once the newest are told, in their order', () => {
  const lines = Array.from({ length: 1_000 }, (_, at) => `line ${at}`);
  expect(linesOf(`${lines.join('\n')}\n`, 65_536)).toEqual(lines.slice(-16));
});
