/** A file that an earlier skewgate wrote: its leases go by the time of day, its records lack what was added since. */
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../../src/migration/ledger/sqlite.ts';
import { VirtualClock } from '../../../src/runtime/virtual-clock.ts';
import { checkHistory } from '../../support/check-history.ts';
import { tempFolder } from '../../support/folder.ts';
import { claimed, finish, OPERATOR, planOf, requestOf } from '../../support/ledger.ts';
import { fingerprintOf } from './store-fixtures.ts';

const LEASE = 15_000;
const NOW = Date.UTC(2026, 10, 22);
const TABLES = `
  CREATE TABLE skewgate_ledger (cluster TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL);
  CREATE TABLE skewgate_lease (cluster TEXT, token INTEGER, expires REAL NOT NULL, ms REAL NOT NULL, PRIMARY KEY (cluster, token));
  CREATE TABLE skewgate_history (seq INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL, entry TEXT NOT NULL);
`;
const { trigger, checksum } = requestOf('old-gate');
const CLAIM = {
  owner: 'old-gate',
  token: 7,
  attempt: 1,
  plan: planOf('4.0.0', '4.2.0'),
  checksum,
  runsDone: 1,
  begun: true,
  trigger,
  since: NOW - 60_000,
  progress: { done: 0.4, text: 'indexes' },
  process: { host: 'h1', pid: 4711, started: 'boot:1' },
  abort: null,
};
const RECORD = {
  format: 1,
  cluster: 'main',
  level: 3,
  release: '4.1.0',
  epoch: 1,
  token: 7,
  claim: CLAIM,
  block: null,
  failure: null,
  approval: null,
  seen: [],
};
const HISTORY = [
  { what: 'planned', at: NOW - 60_000, ...about(0), from: '4.0.0', fromLevel: 0 },
  {
    what: 'running',
    at: NOW - 60_000,
    ...about(0),
    step: 1,
    fromLevel: 0,
    toLevel: 3,
    key: 'main/1/0-3/4.1.0',
  },
  {
    what: 'step-done',
    at: NOW - 50_000,
    ...about(1),
    step: 1,
    fromLevel: 0,
    toLevel: 3,
    key: 'main/1/0-3/4.1.0',
  },
  {
    what: 'running',
    at: NOW - 50_000,
    ...about(1),
    step: 2,
    fromLevel: 3,
    toLevel: 4,
    key: 'main/1/3-4/4.2.0',
  },
];

function about(stepsDone: number) {
  return { owner: 'old-gate', token: 7, attempt: 1, checksum, trigger, steps: 2, stepsDone };
}

/** @param expires of the old gate's lease, from now, ms. */
function oldFile(expires: number) {
  const file = path.join(tempFolder(), 'ledger.db');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec(TABLES);
  db.prepare('INSERT INTO skewgate_ledger VALUES (?, ?, ?)').run('main', 12, JSON.stringify(RECORD));
  db.prepare('INSERT INTO skewgate_lease VALUES (?, ?, ?, ?)').run('main', 7, NOW + expires, LEASE);
  for (const entry of HISTORY)
    db.prepare('INSERT INTO skewgate_history (cluster, entry) VALUES (?, ?)').run(
      'main',
      JSON.stringify(entry),
    );
  db.close();
  let daytime = NOW;
  vi.spyOn(Date, 'now').mockImplementation(() => daytime);
  const clock = new VirtualClock(NOW);
  const store = new SqliteStore({ file, clock, uptime: () => 5_000_000 + daytime - NOW });
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await store.close();
  });
  return {
    file,
    ledger: new Ledger(store, 'main', clock),
    async pass(ms: number) {
      daytime += ms;
      await clock.run(ms);
    },
  };
}

test('its claim is alive for as long as its lease says, and then taken over where it stood; the history stays', async () => {
  const { file, ledger, pass } = oldFile(10_000);
  const before = fingerprintOf(file);
  expect(await ledger.read()).toMatchObject({ record: { level: 3, claim: CLAIM }, leaseAlive: true });
  expect(fingerprintOf(file)).toBe(before);
  expect(await ledger.claim(requestOf('gate-b'), LEASE)).toBe('held');
  await ledger.block(OPERATOR, null);
  await ledger.unblock(OPERATOR);
  await pass(9_000);
  expect(await ledger.claim(requestOf('gate-b'), LEASE)).toBe('held');
  await pass(1_000);
  const held = claimed(await ledger.claim(requestOf('gate-b'), LEASE));
  expect((await held.current()).claim).toMatchObject({
    token: 8,
    attempt: 2,
    runsDone: 1,
    begun: true,
    process: CLAIM.process,
  });
  await finish(held);
  const history = await ledger.history();
  expect(history.slice(0, HISTORY.length)).toEqual(HISTORY);
  checkHistory(history);
  expect((await ledger.read()).record).toMatchObject({ level: 4, claim: null, token: 8 });
});

test('a claim that was abandoned long ago is taken over at once', async () => {
  const { ledger } = oldFile(-86_400_000);
  expect((await ledger.read()).leaseAlive).toBe(false);
  claimed(await ledger.claim(requestOf('gate-b'), LEASE));
});

test('an earlier skewgate that still has the file open goes on renewing, but grants nothing once this one has claimed', async () => {
  const { file, ledger, pass } = oldFile(1_000);
  const old = new DatabaseSync(file);
  onTestFinished(() => old.close());
  const grant = (expires: number) =>
    old
      .prepare('INSERT OR REPLACE INTO skewgate_lease VALUES (?, ?, ?, ?)')
      .run('main', 7, NOW + expires, LEASE);
  await ledger.block(OPERATOR, null);
  await ledger.unblock(OPERATOR);
  grant(2_000);
  await pass(1_500);
  expect(await ledger.claim(requestOf('gate-b'), LEASE)).toBe('held');
  await pass(500);
  claimed(await ledger.claim(requestOf('gate-b'), LEASE));
  expect(() => grant(60_000)).toThrow('5 columns but 4 values');
});
