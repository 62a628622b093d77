/** Who may read what a gate writes: the ledger is its owner's, the log its group's too; files that are there keep their rights. */
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFileLog } from '../../src/decision/log.ts';
import { SqliteStore } from '../../src/migration/ledger/sqlite.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { IDENTITY, record } from './support.ts';

const rightsOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** A log that rotates after each record. */
async function writeLog(file: string, records: number): Promise<void> {
  const options = { path: file, rotate: 1, keep: 3, durable: false, buffer: 100_000 };
  const log = createFileLog({ ...options, clock: realClock, identity: IDENTITY, onError: () => {} });
  for (let at = 0; at < records; at++) {
    log.write(record(at));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
}

test('a log that is made, and those that are rotated, are 0640 at most', async () => {
  const before = process.umask(0o022);
  onTestFinished(() => void process.umask(before));
  const file = path.join(tempFolder(), 'decisions.ndjson');
  await writeLog(file, 2);
  expect(rightsOf(file)).toBe('640');
  await writeLog(file, 2);
  expect([rightsOf(file), rightsOf(`${file}.1`)]).toEqual(['640', '640']);
  process.umask(0o077);
  const own = path.join(tempFolder(), 'decisions.ndjson');
  await writeLog(own, 1);
  expect(rightsOf(own)).toBe('600');
});

test('a log that is there already is left as it is', async () => {
  const file = path.join(tempFolder(), 'decisions.ndjson');
  writeFileSync(file, '');
  chmodSync(file, 0o664);
  const options = { path: file, rotate: 1_000_000, keep: 3, durable: false, buffer: 100_000 };
  const log = createFileLog({ ...options, clock: realClock, identity: IDENTITY, onError: () => {} });
  log.write(record(0));
  await log.close();
  expect(rightsOf(file)).toBe('664');
});

test('a ledger that is made is 0600, with what SQLite puts beside it; one that is there is left as it is', async () => {
  const before = process.umask(0o022);
  onTestFinished(() => void process.umask(before));
  const folder = tempFolder();
  const write = async (file: string) => {
    const store = new SqliteStore({ file, clock: realClock });
    await store.swap('main', { expect: '0', text: '{}', history: [] });
    const rights = [file, `${file}-wal`, `${file}-shm`].map(rightsOf);
    store.close();
    return rights;
  };
  expect(await write(path.join(folder, 'ledger.db'))).toEqual(['600', '600', '600']);
  const old = path.join(folder, 'old.db');
  writeFileSync(old, '');
  chmodSync(old, 0o660);
  expect(await write(old)).toEqual(['660', '660', '660']);
});
