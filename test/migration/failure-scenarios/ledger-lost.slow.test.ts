/** The ledger out of reach, damaged, deleted, or not the one that others use. */
import { mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import type { HistoryEntry } from '../../../src/migration/ledger/record.ts';
import { openStore } from '../../../src/migration/ledger/registry.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { OPERATOR } from '../../support/ledger.ts';
import { eventually } from './eventually.ts';
import { FailureScenario, onEachLedger } from './failure-scenario.ts';

interface Reach {
  readonly scenario: FailureScenario;
  cut(): void | Promise<void>;
  mend(): void | Promise<void>;
}

const SQLITE = 'sqlite:ledger.db';

async function onSqlite(): Promise<Reach> {
  const scenario = await FailureScenario.start(SQLITE);
  return {
    scenario,
    cut() {
      renameSync(scenario.file('ledger.db'), scenario.file('ledger.saved'));
      mkdirSync(scenario.file('ledger.db'));
    },
    mend() {
      rmdirSync(scenario.file('ledger.db'));
      renameSync(scenario.file('ledger.saved'), scenario.file('ledger.db'));
    },
  };
}

async function onEtcd(etcd: Awaited<ReturnType<typeof startEtcd>>): Promise<Reach> {
  const scenario = await FailureScenario.start(etcd.url);
  return { scenario, cut: () => etcd.member(0).kill(), mend: () => etcd.member(0).start() };
}

async function outOfReach({ scenario, cut, mend }: Reach): Promise<void> {
  const gate = await scenario.gate({ migration: { grace: '1h' } });
  const impatient = await scenario.gate({ migration: { grace: '200ms' } });
  await scenario.until(({ record }) => record.level === 27, 'the level on record');
  await cut();
  await gate.log.until('migration', { what: 'ledger-unavailable' });
  const refused = await gate.refuse('4.14.0');
  expect(refused).toMatchObject({ code: 'LEDGER_UNAVAILABLE', transient: true });
  const served = await gate.connect('4.13.0');
  expect(scenario.tables.token).toBe(0);
  // After the grace nobody is served by what it said last; sessions go on.
  await eventually(async () => {
    const outcome = await impatient.connect('4.13.0').catch(({ code }) => code);
    if (typeof outcome === 'string') expect(outcome).toBe('LEDGER_UNAVAILABLE');
    else outcome.destroy();
    return typeof outcome === 'string';
  }, 'the grace to be over');
  (await gate.connect('4.13.0')).destroy();
  served.write('still here');
  expect(String((await served.iterator({ destroyOnReturn: false }).next()).value)).toBe('still here');
  await mend();
  const session = await scenario.comeBack(gate, '4.14.0', 'LEDGER_UNAVAILABLE');
  expect(session.schemaLevel).toBe(28);
  expect(gate.log.of('migration', { what: 'ledger-available' }).length).toBeGreaterThanOrEqual(1);
  expect(scenario.tables.completed).toEqual([28]);
  for (const each of [session, served]) each.destroy();
}

async function neverReached({ scenario, cut, mend }: Reach): Promise<void> {
  const before = await scenario.gate();
  await scenario.until(({ record }) => record.level === 27, 'the level on record');
  await before[Symbol.asyncDispose]();
  await cut();
  const gate = await scenario.gate();
  // It knows of no last level to serve anybody by.
  for (const version of ['4.13.0', '4.14.0'])
    expect((await gate.refuse(version)).code).toBe('LEDGER_UNAVAILABLE');
  await mend();
  (await scenario.comeBack(gate, '4.13.0', 'LEDGER_UNAVAILABLE')).destroy();
}

describe('out of reach: SQLite', () => {
  test('clients that need no upgrade are served for the grace, the others refused, after it everybody; until it is back', async () => {
    await outOfReach(await onSqlite());
  });
  test('at the start: nobody is served until it is there', async () => {
    await neverReached(await onSqlite());
  });
});

describe.skipIf(NO_ETCD !== null)(
  `out of reach: etcd${NO_ETCD === null ? '' : ` (skipped: ${NO_ETCD})`}`,
  () => {
    test('clients that need no upgrade are served for the grace, the others refused, after it everybody; until it is back', async () => {
      await using etcd = await startEtcd();
      await outOfReach(await onEtcd(etcd));
    });
    test('at the start: nobody is served until it is there', async () => {
      await using etcd = await startEtcd();
      await neverReached(await onEtcd(etcd));
    });
  },
);

onEachLedger('a record that can not be used', (start) => {
  test.for([
    ['half a record', '{"format":1,"clus', /damaged: it is not JSON/],
    ['a record without its level', '{"format":1}', /damaged/],
    ['a record of a newer program', '{"format":7,"lock":"elsewhere"}', /format 7.*newer skewgate/],
  ] as const)(
    '%s is explained, nothing is run or repaired, and all goes on once it is mended',
    async ([, text, why]) => {
      const scenario = await start();
      const gate = await scenario.gate();
      await scenario.until(({ record }) => record.level === 27, 'the level on record');
      const good = await scenario.rawRecord();
      await scenario.writeRecord(text);
      await gate.log.until('migration', { what: 'ledger-unavailable', damaged: true });
      const refused = await gate.refuse('4.14.0');
      expect(refused.code).toBe('LEDGER_UNAVAILABLE');
      expect(refused.message).toMatch(why);
      (await gate.connect('4.13.0')).destroy();
      expect(await scenario.rawRecord()).toBe(text);
      expect(scenario.tables.token).toBe(0);
      await scenario.writeRecord(good);
      (await scenario.comeBack(gate, '4.14.0', 'LEDGER_UNAVAILABLE')).destroy();
    },
  );
});

describe('a SQLite file that is deleted while its gates run', () => {
  test('another one is begun and accepted: no second run, and its tokens are higher than those that were given', async () => {
    const scenario = await FailureScenario.start(SQLITE, { unchecked: true });
    const gates = await Promise.all([scenario.gate(), scenario.gate()]);
    for (const gate of gates) (await gate.connect('4.14.0')).destroy();
    await scenario.upgraded(28);
    for (const ending of ['', '-wal', '-shm']) rmSync(scenario.file(`ledger.db${ending}`), { force: true });
    await Promise.all(gates.map((gate) => gate.log.until('migration', { what: 'ledger-doubted' })));
    for (const server of scenario.servers) await server.restart({ version: '4.15.0' });
    expect((await gates[0]?.refuse('4.15.0'))?.code).toBe('UPGRADE_REQUIRED');
    await scenario.ledger.accept(OPERATOR);
    const sessions = await Promise.all(
      gates.map((gate) => scenario.comeBack(gate, '4.15.0', 'UPGRADE_REQUIRED')),
    );
    expect(scenario.tables.completed).toEqual([28, 29]);
    expect((await scenario.upgraded(29)).record.token).toBe(2);
    for (const session of sessions) session.destroy();
  });
});

/** Each gate in a process of its own, with a ledger of its own, when a client of each brings the upgrade. */
async function beginTogether(scenario: FailureScenario, ledgers: readonly string[]): Promise<void> {
  const gates = await Promise.all(ledgers.map((ledger) => scenario.process({ migration: { ledger } })));
  const clients = gates.map((gate) =>
    gate.connect('4.14.0').then(
      (session) => {
        session.destroy();
        return 'admitted';
      },
      ({ code }) => String(code),
    ),
  );
  expect(await Promise.all(clients)).toContain('admitted');
  const ids: (string | null)[] = [];
  const completed: HistoryEntry[] = [];
  for (const [at, gate] of gates.entries()) {
    const said = await gate.log.until('migration', { what: 'foreign-ledger' });
    await gate.program.waitFor(/upgrade: foreign-ledger: .*another ledger/, 'stderr');
    const store = openStore(ledgers[at] as string, { folder: scenario.folder, clock: realClock });
    const ledger = new Ledger(store, scenario.cluster, realClock);
    ids.push(said.seenLedger as string, (await ledger.read()).record.id);
    completed.push(...(await ledger.history()).filter(({ what, ran }) => what === 'step-done' && ran));
    await store.close();
  }
  const [saidByOne, one, saidByTwo, two] = ids;
  expect([saidByOne, saidByTwo]).toEqual([two, one]);
  expect(completed).toHaveLength(1);
  expect(scenario.tables.completed).toEqual([28]);
}

const TOGETHER = { unchecked: true, servers: ['4.14.0'], upgradeMs: 2_000 };

describe('two gates with a ledger each begin an upgrade at the same moment', () => {
  test('two SQLite files: one completes, and both say that there is another ledger', async () => {
    const scenario = await FailureScenario.start(SQLITE, TOGETHER);
    await beginTogether(scenario, [SQLITE, 'sqlite:another.db']);
  });

  test.skipIf(NO_ETCD !== null)(
    `two etcds: one completes, and both say that there is another ledger${NO_ETCD === null ? '' : ` (skipped: ${NO_ETCD})`}`,
    async () => {
      await using etcd = await startEtcd();
      await using another = await startEtcd();
      const scenario = await FailureScenario.start(etcd.url, TOGETHER);
      await beginTogether(scenario, [etcd.url, another.url]);
    },
  );
});

onEachLedger('two gates that do not share a ledger', (start) => {
  test('serve the same servers: the one that did not upgrade notices, logs it and says it; neither runs beside the other', async () => {
    const scenario = await start();
    const gate = await scenario.gate();
    const stranger = await scenario.process({ migration: { ledger: 'sqlite:another.db' } });
    (await gate.connect('4.14.0')).destroy();
    const said = await stranger.log.until('migration', { what: 'foreign-ledger' });
    expect(said).toMatchObject({ token: 0, seenToken: 1 });
    await stranger.program.waitFor(/upgrade: foreign-ledger: .*another ledger/, 'stderr');
    expect(gate.log.of('migration', { what: 'foreign-ledger' })).toEqual([]);
    const session = await stranger.connect('4.14.0');
    expect(scenario.tables.completed).toEqual([28]);
    session.destroy();
  });
});
