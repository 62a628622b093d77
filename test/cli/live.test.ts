/** What people see of something that goes on: in a terminal, and in a file. */
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { LiveLine } from '../../src/cli/live.ts';

function written(terminal: { isTTY: true; columns: number } | null): { live: LiveLine; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const live = new LiveLine(Object.assign(stream, terminal ?? {}) as unknown as NodeJS.WriteStream);
  return { live, text: () => text };
}

test('in a terminal: one line, written over, never longer than the terminal, and gone at the end', () => {
  const { live, text } = written({ isTTY: true, columns: 20 });
  live.show('step 1: [##--]');
  live.show('step 1: [##--]');
  live.show(`step 2: [####] ${'x'.repeat(50)}`);
  live.end();
  const shown = text().split('\r\x1b[K').map(stripVTControlCharacters);
  expect(shown).toEqual(['', 'step 1: [##--]', 'step 2: [####] xxxx', '']);
  expect(text()).not.toContain('\n');
});

test('a terminal that does not say how wide it is', () => {
  const { live, text } = written({ isTTY: true, columns: 0 });
  live.show('x'.repeat(100));
  expect(stripVTControlCharacters(text()).trim()).toBe('x'.repeat(79));
});

test('elsewhere: a whole line for each thing that is new', () => {
  const { live, text } = written(null);
  live.show('step 1');
  live.show('step 1');
  live.show('step 2');
  live.end();
  expect(text()).toBe('step 1\nstep 2\n');
});

test('nothing was shown: nothing is cleared', () => {
  const { live, text } = written({ isTTY: true, columns: 20 });
  live.end();
  expect(text()).toBe('');
});
