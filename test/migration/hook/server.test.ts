/** The default hook: a simulated server, asked over real sockets, and its tables. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { createSkewgateBackEnd } from '../../../src/backend/skewgate.ts';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { createServerHook } from '../../../src/migration/hook/server.ts';
import { PRESETS } from '../../../src/policy/presets.ts';
import { realRuntime } from '../../../src/runtime/real.ts';
import { ForeignToken, StaleToken } from '../../../src/server/fence.ts';
import { createMemoryTables, openTables, type Tables } from '../../../src/server/tables.ts';
import { realEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startProgram } from '../../support/program.ts';
import { type ServerSpec, TestServer } from '../../support/servers.ts';
import { COMPLAINT, FACTS, failureOf, hookContract, Told } from '../hook-contract.ts';

const OLD = 27;
const NEW = 28;

/** Tables that note the tokens that steps were begun under. */
function noting(
  tables: Tables,
  complete = tables.complete,
): Tables & { readonly begun: { token: number }[] } {
  const begun: { token: number }[] = [];
  return {
    begun,
    get level() {
      return tables.level;
    },
    get token() {
      return tables.token;
    },
    get ledgers() {
      return tables.ledgers;
    },
    begin(token, ledger) {
      tables.begin(token, ledger);
      begun.push({ token });
    },
    complete: (...args) => complete.apply(tables, args),
    close: () => tables.close(),
  };
}

async function clusterOf(specs: readonly ServerSpec[]) {
  const servers = await Promise.all(
    specs.map((spec, at) => TestServer.start(realEnvironment, `s${at + 1}`, spec)),
  );
  const cluster = new Cluster({
    servers: servers.map(({ id, address }) => ({ id, address, backEnd: createSkewgateBackEnd('main') })),
    transports: realRuntime.transports,
    clock: realRuntime.clock,
    settings: { times: { dial: 5_000, probe: 60_000 } },
    events: { emit() {} },
  });
  await cluster.refresh(0);
  return {
    cluster,
    servers,
    hook: createServerHook(cluster, { policy: PRESETS.phoenix }),
    async [Symbol.asyncDispose]() {
      cluster.stop();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

for (const scheme of ['tcp', 'ws'] as const)
  hookContract(`a server over ${scheme}`, async ({ does }) => {
    const failing = () => {
      throw new Error(COMPLAINT);
    };
    const tables = noting(createMemoryTables(OLD), does === 'fails' ? failing : undefined);
    const upgradeMs = does === 'hangs' ? 10_000 : 10;
    const { hook, ...rest } = await clusterOf([{ version: '4.14.0', tables, scheme, upgradeMs }]);
    // The second attempt of the contract finds tables that are there: it is begun all the same.
    return { hook, begun: () => tables.begun, [Symbol.asyncDispose]: rest[Symbol.asyncDispose] };
  });

describe('the server that is asked', () => {
  test('brings its tables to the level, tells of progress in words, and the cluster knows at once', async () => {
    const tables = createMemoryTables(OLD);
    await using at = await clusterOf([{ version: '4.14.0', tables, upgradeMs: 10 }]);
    const told = new Told();
    expect(await at.hook.run(FACTS, told)).toEqual({ level: NEW });
    expect([tables.level, tables.token, at.cluster.level]).toEqual([NEW, 7, NEW]);
    expect(told.heard.map(({ done }) => done)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(told.heard[0]?.text).toContain('4.14.0');
  });

  test('is one that is up, keeps tables, and is on the release or later', async () => {
    const old = noting(createMemoryTables(OLD));
    const able = noting(createMemoryTables(OLD));
    await using at = await clusterOf([
      { version: '4.13.0', tables: old },
      { version: '4.14.0' },
      { version: '4.14.0', tables: able },
    ]);
    await at.hook.run(FACTS, new Told());
    expect([old.begun.length, able.begun.length]).toEqual([0, 1]);
  });

  test('where there is none, that is said, and nobody is asked', async () => {
    const old = noting(createMemoryTables(OLD));
    await using at = await clusterOf([{ version: '4.13.0', tables: old }, { version: '4.14.0' }]);
    const { message } = await failureOf(at.hook.run(FACTS, new Told()));
    expect(message).toContain('no server that is up, keeps system tables and is on 4.14.0 or later');
    expect(old.begun).toEqual([]);
  });

  test('goes away in the middle: a failure that names it', async () => {
    await using at = await clusterOf([
      { version: '4.14.0', tables: createMemoryTables(OLD), upgradeMs: 10_000 },
    ]);
    const told = new Told();
    const run = failureOf(at.hook.run(FACTS, told));
    await told.until(() => told.heard.length > 0, 'progress');
    await at.servers[0]?.stop();
    expect((await run).message).toMatch(/^s1: .*(went away|closed)/);
  });

  test('refuses a token lower than it has seen, and its tables stay as they are', async () => {
    const tables = createMemoryTables(OLD);
    tables.begin(8);
    await using at = await clusterOf([{ version: '4.14.0', tables, upgradeMs: 10 }]);
    expect(at.cluster.token).toBe(8);
    const { message } = await failureOf(at.hook.run(FACTS, new Told()));
    expect(message).toBe('s1: token 7 is stale: token 8 was seen');
    expect([tables.level, tables.token]).toEqual([OLD, 8]);
    expect(await at.hook.run({ ...FACTS, token: 9 }, new Told())).toEqual({ level: NEW });
  });

  test('a higher token in mid-step: the step under the lower one does not complete', async () => {
    const tables = createMemoryTables(OLD);
    await using at = await clusterOf([{ version: '4.14.0', tables, upgradeMs: 500 }]);
    const told = new Told();
    const run = failureOf(at.hook.run(FACTS, told));
    await told.until(() => told.heard.length > 0, 'progress');
    tables.begin(8);
    expect((await run).message).toContain('token 7 is stale');
    expect(tables.level).toBe(OLD);
  });
});

describe.each([
  ['in memory', () => createMemoryTables(OLD)],
  ['in a SQLite file', () => openTables(path.join(tempFolder(), 'tables.db'), OLD)],
])('tables %s', (_where, make) => {
  test('begin as they were left, with no token seen', () => {
    const tables = make();
    expect([tables.level, tables.token]).toEqual([OLD, 0]);
    tables.close();
  });

  test('take equal and higher tokens, and refuse lower ones for good', () => {
    const tables = make();
    tables.begin(3);
    tables.begin(3);
    tables.begin(5);
    expect(() => tables.begin(4)).toThrow(StaleToken);
    expect(() => tables.begin(4)).toThrow('token 4 is stale: token 5 was seen');
    expect(() => tables.complete(4, NEW)).toThrow(StaleToken);
    expect([tables.level, tables.token]).toEqual([OLD, 5]);
    tables.complete(5, NEW);
    expect([tables.level, tables.token]).toEqual([NEW, 5]);
    tables.close();
  });

  test('tell equal tokens of two ledgers apart: the one that asked first has it, at the beginning and at the end of a step', () => {
    const tables = make();
    tables.begin(3, 'ledger-a');
    expect(() => tables.begin(3, 'ledger-b')).toThrow(ForeignToken);
    expect(() => tables.complete(3, NEW, 'ledger-b')).toThrow(/token 3 .*another ledger \(ledger-a\)/);
    expect([tables.level, tables.token]).toEqual([OLD, 3]);
    expect(tables.ledgers).toEqual([
      { id: 'ledger-a', token: 3 },
      { id: 'ledger-b', token: 3 },
    ]);
    tables.complete(3, NEW, 'ledger-a');
    expect(tables.level).toBe(NEW);
    tables.close();
  });

  test('take a higher token of another ledger: the step under the lower one does not complete', () => {
    const tables = make();
    tables.begin(3, 'ledger-a');
    tables.begin(4, 'ledger-b');
    expect(() => tables.complete(3, NEW, 'ledger-a')).toThrow(StaleToken);
    expect([tables.level, tables.token]).toEqual([OLD, 4]);
    expect(tables.ledgers).toEqual([
      { id: 'ledger-b', token: 4 },
      { id: 'ledger-a', token: 3 },
    ]);
    tables.close();
  });

  test('never go back: a step to a lower level leaves them where they are', () => {
    const tables = make();
    tables.complete(1, NEW);
    tables.complete(2, OLD);
    expect([tables.level, tables.token]).toEqual([NEW, 2]);
    tables.close();
  });
});

describe('a file of tables', () => {
  test('of an earlier release is taken as it is, and shared with servers of that release', () => {
    const file = path.join(tempFolder(), 'tables.db');
    const db = new DatabaseSync(file);
    db.exec(
      'CREATE TABLE system_tables (id INTEGER PRIMARY KEY CHECK (id = 1), level INTEGER, token INTEGER)',
    );
    db.exec(`INSERT INTO system_tables VALUES (1, ${OLD}, 5)`);
    const tables = openTables(file, 99);
    expect([tables.level, tables.token, tables.ledgers]).toEqual([OLD, 5, []]);
    // Nobody knows whose token 5 is.
    tables.begin(5, 'ledger-a');
    expect(() => tables.begin(5, 'ledger-b')).toThrow(ForeignToken);
    db.exec('UPDATE system_tables SET token = 6');
    tables.complete(6, NEW, 'ledger-b');
    expect([tables.level, tables.token]).toEqual([NEW, 6]);
    db.close();
    tables.close();
    const again = openTables(file, OLD);
    expect(again.ledgers.map(({ id }) => id)).toEqual(['ledger-b', 'ledger-a']);
    again.close();
  });

  test('is shared: each opener sees the level and the token of the others, and what is created first counts', () => {
    const file = path.join(tempFolder(), 'tables.db');
    const one = openTables(file, OLD);
    const two = openTables(file, 99);
    expect(two.level).toBe(OLD);
    one.begin(7);
    expect(() => two.begin(6)).toThrow(StaleToken);
    two.complete(7, NEW);
    expect(one.level).toBe(NEW);
    one.close();
    two.close();
    const again = openTables(file, OLD);
    expect([again.level, again.token]).toEqual([NEW, 7]);
    again.close();
  });

  test('is made by several processes at once, over and over: each of them has it', async () => {
    const opener = path.join(import.meta.dirname, 'tables-opener.ts');
    const programs = Array.from({ length: 4 }, () => startProgram(process.execPath, [opener]));
    await Promise.all(programs.map((program) => program.waitFor(/ready\n/)));
    const folder = tempFolder();
    for (let round = 0; round < 30; round++) {
      for (const program of programs) program.write(`${path.join(folder, `${round}.db`)}\n`);
      const answered = new RegExp(`^ready\\n(?:.*\\n){${round + 1}}`);
      await Promise.all(programs.map((program) => program.waitFor(answered, 'stdout')));
      expect(programs.map(({ lines }) => lines[round + 1])).toEqual(programs.map(() => 'level 27'));
    }
  });

  test('that is no database is refused, and left as it is', () => {
    const file = path.join(tempFolder(), 'tables.db');
    writeFileSync(file, 'not a database\n'.repeat(100));
    expect(() => openTables(file, OLD)).toThrow(/not a database/);
    expect(existsSync(`${file}-wal`)).toBe(false);
    rmSync(file);
  });
});
