/** What only a file can do: be shared by processes, be missing, be half there, be taken away, be read too eagerly. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { LedgerFormatError } from '../../../src/migration/ledger/record.ts';
import { SqliteStore } from '../../../src/migration/ledger/sqlite.ts';
import { LedgerUnavailable, type Store } from '../../../src/migration/ledger/store.ts';
import { VirtualClock } from '../../../src/runtime/virtual-clock.ts';
import { tempFolder } from '../../support/folder.ts';
import { claimed, finish, OPERATOR, requestOf } from '../../support/ledger.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { fingerprintOf } from './store-fixtures.ts';

const CLAIMANT = path.join(import.meta.dirname, 'claimant.ts');
const LEASE = 15_000;
/** A container with a clock of its own: its machine was started a day earlier, as it sees it. */
const OTHER_TIME = ['-UrT', '--monotonic', '86400'];
const NO_NAMESPACES = spawnSync('unshare', [...OTHER_TIME, 'true']).status !== 0;

function openedAt(file: string, clock = new VirtualClock()) {
  const store = new SqliteStore({ file, clock, uptime: () => clock.now() });
  return { ledger: new Ledger(store, 'main', clock), store, clock };
}

async function startClaimants(count: number): Promise<Program[]> {
  const programs = Array.from({ length: count }, () => startProgram(process.execPath, [CLAIMANT]));
  await Promise.all(programs.map((program) => program.waitFor(/ready\n/)));
  return programs;
}

describe('several processes', () => {
  const PROCESSES = 4;
  const ROUNDS = 8;

  test('claim at once on a file that is not there yet, over and over: each time exactly one wins', async () => {
    const folder = tempFolder();
    const programs = await startClaimants(PROCESSES);
    for (let round = 0; round < ROUNDS; round++) {
      const file = path.join(folder, `round-${round}`, 'ledger.db');
      for (const program of programs) program.write(`${file}\n`);
      const answered = new RegExp(`^ready\\n(?:.*\\n){${round + 1}}`);
      await Promise.all(programs.map((program) => program.waitFor(answered, 'stdout')));
      const answers = programs.map(({ lines }) => lines[round + 1]);
      expect(answers.toSorted()).toEqual([...Array(PROCESSES - 1).fill('held'), 'won 1']);
      const { ledger, store } = openedAt(file);
      expect((await ledger.history()).map(({ what }) => what)).toEqual(['planned']);
      await store.close();
    }
  });

  test('one that is killed leaves the file readable, and reading it repairs nothing', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    const [killed] = (await startClaimants(1)) as [Program];
    killed.write(`${file}\n`);
    await killed.waitFor(/won 1\n/);
    killed.signal('SIGKILL');
    await killed.exited;
    expect(existsSync(`${file}-wal`)).toBe(true);
    const before = fingerprintOf(file);
    const { ledger, store } = openedAt(file);
    const { record } = await ledger.read();
    expect(record.claim).toMatchObject({ token: 1 });
    expect(await ledger.history()).toHaveLength(1);
    await store.close();
    expect(fingerprintOf(file)).toBe(before);
  });
});

describe('a file that another process is writing to', () => {
  test('is waited for without stopping everything else that this process does', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    const { ledger, store } = openedAt(file);
    await ledger.block(OPERATOR, null);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const waiting = ledger.unblock(OPERATOR);
    // Sessions are relayed meanwhile, and leases renewed.
    await turn();
    other.exec('COMMIT');
    other.close();
    expect((await waiting).block).toBeNull();
    await store.close();
  });
});

describe('a file that is no ledger is explained, said to be damaged and not out of reach, and left alone', () => {
  const damaged = async (make: (file: string) => void | Promise<void>, why: RegExp) => {
    const file = path.join(tempFolder(), 'ledger.db');
    await make(file);
    const before = readFileSync(file);
    const { ledger, store } = openedAt(file);
    const acts = {
      read: () => ledger.read(),
      history: () => ledger.history(),
      claim: () => ledger.claim(requestOf('gate-a'), LEASE),
      block: () => ledger.block(OPERATOR, null),
    };
    for (const [name, act] of Object.entries(acts)) {
      const error = await act().catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(LedgerFormatError);
      expect((error as Error).message, name).toContain(file);
      expect((error as Error).message, name).toMatch(why);
    }
    await store.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  };

  test('half a database', () =>
    damaged(async (file) => {
      const { ledger, store } = openedAt(file);
      for (let turn = 0; turn < 30; turn++) await ledger.block(OPERATOR, null);
      await store.close();
      truncateSync(file, 3 * 4096);
    }, /malformed|not a database/));

  test('something that is not a database', () =>
    damaged((file) => writeFileSync(file, 'lock held by pid 4711\n'.repeat(100)), /not a database/));

  test('a folder', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    mkdirSync(file);
    const { ledger } = openedAt(file);
    await expect(ledger.read()).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(ledger.block(OPERATOR, null)).rejects.toThrow(file);
    expect(readdirSync(file)).toEqual([]);
  });

  test('a database of another program is not used up: its own tables stay', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE theirs (x); INSERT INTO theirs VALUES ('kept')");
    db.close();
    const before = fingerprintOf(file);
    const { ledger, store } = openedAt(file);
    expect((await ledger.read()).record.token).toBe(0);
    expect(fingerprintOf(file)).toBe(before);
    await ledger.block(OPERATOR, null);
    await store.close();
    const again = new DatabaseSync(file);
    expect(again.prepare('SELECT x FROM theirs').get()).toEqual({ x: 'kept' });
    again.close();
  });
});

describe('a file that is taken away', () => {
  test('while a gate has it open: what is written goes where everybody else looks', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    const { ledger, store } = openedAt(file);
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0', 6), LEASE));
    await finish(held);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
    expect((await ledger.read()).record).toMatchObject({ token: 0, level: null });
    await ledger.observe(28, '4.14.0', 'gate-a');
    const other = openedAt(file);
    expect((await other.ledger.read()).record).toMatchObject({ level: 28 });
    await ledger.recordDoubt('gate-a');
    await other.ledger.accept(OPERATOR);
    // Servers remember the token: the next one is higher all the same.
    const next = claimed(await ledger.claim(requestOf('gate-a', '4.14.0', '4.15.0', 7), LEASE));
    expect(next.token).toBe(8);
    await store.close();
    await other.store.close();
  });
});

describe('the time that leases go by', () => {
  test.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])(
    'is not the time of day: a clock that is set %s ends no lease, and keeps none alive',
    async (_how, by) => {
      const file = path.join(tempFolder(), 'ledger.db');
      const clock = new VirtualClock();
      const stores: Store[] = [];
      const at = (cluster = 'main') => {
        const store = new SqliteStore({ file, clock });
        stores.push(store);
        return new Ledger(store, cluster, clock);
      };
      claimed(await at().claim(requestOf('gate-a'), LEASE));
      const now = Date.now();
      const daytime = vi.spyOn(Date, 'now').mockImplementation(() => now + by);
      onTestFinished(() => void daytime.mockRestore());
      expect((await at().read()).leaseAlive).toBe(true);
      expect(await at().claim(requestOf('gate-b'), LEASE)).toBe('held');
      const other = at('other');
      claimed(await other.claim(requestOf('gate-a'), 1));
      await expect.poll(async () => (await other.read()).leaseAlive).toBe(false);
      for (const store of stores) await store.close();
    },
  );

  test.skipIf(NO_NAMESPACES)(
    'is that of the machine, also for a process in a time namespace of its own',
    async () => {
      const file = path.join(tempFolder(), 'ledger.db');
      const inside = startProgram('unshare', [...OTHER_TIME, process.execPath, CLAIMANT]);
      const [outside] = (await startClaimants(1)) as [Program];
      outside.write(`${file}\n`);
      await outside.waitFor(/won 1\n/);
      inside.write(`${file}\n`);
      await inside.waitFor(/held\n/);
      const other = path.join(tempFolder(), 'ledger.db');
      inside.write(`${other}\n`);
      await inside.waitFor(/won 1\n/);
      outside.write(`${other}\n`);
      await outside.waitFor(/held\n/);
    },
  );

  test('begins anew with the machine: a lease from before is not kept alive for longer than it was granted for', async () => {
    const file = path.join(tempFolder(), 'ledger.db');
    let uptime = 3_600_000;
    const clock = new VirtualClock();
    const at = () => new Ledger(new SqliteStore({ file, clock, uptime: () => uptime }), 'main', clock);
    const first = claimed(await at().claim(requestOf('gate-a'), LEASE));
    uptime = 5_000;
    expect((await at().read()).leaseAlive).toBe(false);
    const second = claimed(await at().claim(requestOf('gate-b'), LEASE));
    expect(second.token).toBe(2);
    await expect(first.runStarted('key')).rejects.toThrow('token 1 is not in force');
    expect(await first.renew()).toBe(false);
  });
});
