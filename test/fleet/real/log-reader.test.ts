/** Decision logs of several gates, read while they grow. */
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LogReader } from '../../../src/fleet/real/log-reader.ts';
import { tempFolder } from '../../support/folder.ts';

function twoGates() {
  const folder = tempFolder();
  const files = { gate1: path.join(folder, '1'), gate2: path.join(folder, '2') };
  const journal = new LogReader(files);
  onTestFinished(() => journal.close());
  return { journal, files };
}

const line = (second: number, fields: object) =>
  `${JSON.stringify({ time: `2026-01-01T00:00:0${second}.000Z`, ...fields })}\n`;
const permit = (second: number, session: string) => line(second, { event: 'handshake', session });
const end = (second: number, session: string) => line(second, { event: 'session-end', session });

test('is there before the gates are, and grows with what they write, in the order of time', () => {
  const { journal, files } = twoGates();
  expect(journal.records).toEqual([]);
  appendFileSync(
    files.gate1,
    line(1, { event: 'gate', gate: 'gate1' }) + line(4, { event: 'gate', gate: 'gate1' }),
  );
  appendFileSync(files.gate2, line(2, { event: 'gate', gate: 'gate2' }));
  expect(journal.lines.map((text) => JSON.parse(text)).map(({ gate, time }) => [gate, time[18]])).toEqual([
    ['gate1', '1'],
    ['gate2', '2'],
    ['gate1', '4'],
  ]);
  appendFileSync(files.gate2, line(5, { event: 'gate' }));
  expect(journal.records).toHaveLength(4);
});

test('a line that is being written waits for its end; one torn by a kill is passed over', () => {
  const { journal, files } = twoGates();
  const whole = line(1, { event: 'gate', what: 'größer' });
  const bytes = Buffer.from(whole);
  for (const at of bytes.keys()) {
    appendFileSync(files.gate1, bytes.subarray(at, at + 1));
    expect(journal.records).toHaveLength(at === bytes.length - 1 ? 1 : 0);
  }
  appendFileSync(files.gate1, `${whole.slice(0, 20)}\n${whole}`);
  expect(journal.records).toHaveLength(2);
});

test('knows how many sessions a gate has open, until that gate is gone', () => {
  const { journal, files } = twoGates();
  appendFileSync(files.gate1, permit(1, 'a') + permit(2, 'b') + end(3, 'a'));
  appendFileSync(files.gate2, permit(1, 'c') + line(2, { event: 'handshake', session: null }));
  expect([journal.sessions('gate1'), journal.sessions('gate2')]).toEqual([1, 1]);
  journal.forget('gate1');
  expect([journal.sessions('gate1'), journal.sessions('gate2')]).toEqual([0, 1]);
});

test('keeps what it read once it is closed and the files are gone', () => {
  const { journal, files } = twoGates();
  appendFileSync(files.gate1, line(1, { event: 'gate' }));
  journal.close();
  writeFileSync(files.gate1, '');
  expect(journal.records).toHaveLength(1);
});
