/** Two gates of one cluster, each with a ledger of its own: nobody upgrades twice, and both of them say it. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { pause } from '../../../src/ports/clock.ts';
import { createMemoryTables, type Tables } from '../../../src/server/tables.ts';
import { checkHistory } from '../../support/check-history.ts';
import { type VirtualEnvironment, virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { type Fleet, type FleetOptions, startFleet } from '../../support/gate.ts';
import { claimed, OPERATOR, requestOf } from '../../support/ledger.ts';

interface Side {
  readonly gate: Fleet;
  readonly store: MemoryStore;
  readonly ledger: Ledger;
}

/** Tables that count how often a step was completed on them. */
function countedTables(): { readonly tables: Tables; readonly completed: number[] } {
  const under = createMemoryTables(27);
  const completed: number[] = [];
  const complete: Tables['complete'] = (token, level, ledger) => {
    under.complete(token, level, ledger);
    completed.push(token);
  };
  const tables = new Proxy(under, {
    get: (target, key) => (key === 'complete' ? complete : Reflect.get(target, key)),
  });
  return { tables, completed };
}

/** As servers of earlier releases: they know of no ledger. */
function tokensOnly(tables: Tables): Tables {
  return {
    get level() {
      return tables.level;
    },
    get token() {
      return tables.token;
    },
    ledgers: [],
    begin: (token) => tables.begin(token),
    complete: (token, level) => tables.complete(token, level),
    close() {},
  };
}

/** Two gates that share nothing but the servers; `spent` tokens were given by the second ledger before. */
async function twoGates(
  world: VirtualEnvironment,
  tables: Tables,
  {
    spent = 0,
    second = {},
    upgradeMs = 5_000,
  }: Partial<{ spent: number; second: FleetOptions; upgradeMs: number }> = {},
) {
  const side = async (options: FleetOptions, tokens: number): Promise<Side> => {
    const store = new MemoryStore(world.clock);
    const ledger = new Ledger(store, 'main', world.clock);
    for (let token = 1; token <= tokens; token++)
      await claimed(await ledger.claim(requestOf('earlier', '4.13.0', '4.14.0'), 15_000)).release('over');
    const timeouts = { probe: '1s' };
    const gate = await startFleet(world, { timeouts, ...options, store });
    return { gate, store, ledger };
  };
  const one = await side({ servers: [{ version: '4.14.0', tables, upgradeMs }] }, 0);
  const others = one.gate.servers.map(({ id, address }) => ({ id, address }));
  const two = await side({ others, ...second }, spent);
  return { one, two };
}

async function idOf({ ledger }: Side): Promise<string | null> {
  return (await ledger.read()).record.id;
}

/** The hook runs that each ledger has as completed. */
async function completions(...sides: Side[]): Promise<number[]> {
  const all = await Promise.all(sides.map(({ store }) => store.history('main')));
  for (const history of all) checkHistory(history);
  return all.map((history) => history.filter(({ what, ran }) => what === 'step-done' && ran).length);
}

async function bothSayIt(one: Side, two: Side): Promise<void> {
  for (const [side, other] of [
    [one, two],
    [two, one],
  ] as const) {
    const id = await idOf(other);
    const said = side.gate.log.of('migration', { what: 'foreign-ledger' });
    expect(said.map(({ seenLedger }) => seenLedger)).toContain(id);
    expect(side.gate.said.filter((line) => line.includes('upgrade: foreign-ledger'))).not.toEqual([]);
    expect((await side.ledger.read()).record.foreign.map((one) => one.id)).toEqual([id]);
    expect((await side.store.history('main')).map(({ what }) => what)).toContain('foreign-ledger');
  }
}

/** Why the attempts that a ledger has on record failed. */
async function failuresOf({ store }: Side): Promise<string> {
  const failed = (await store.history('main')).filter(({ what }) => what === 'failed');
  return failed.map(({ error }) => error).join('\n');
}

async function stop(...sides: Side[]): Promise<void> {
  for (const { gate } of sides.toReversed()) await gate[Symbol.asyncDispose]();
}

/** A client of each gate at once, and what becomes of them. */
async function bothCome(world: VirtualEnvironment, ...gates: Fleet[]): Promise<string[]> {
  const codes = gates.map((gate) =>
    gate.connect('4.14.0').then(
      (session) => {
        session.destroy();
        return 'admitted';
      },
      ({ code }) => String(code),
    ),
  );
  return world.finish(Promise.all(codes));
}

/** What the other ledger's gate did is done for both: nothing runs again, however long they go on. */
async function staysDone(world: VirtualEnvironment, completed: readonly number[], ...sides: Side[]) {
  await world.clock.run(120_000);
  for (const { gate } of sides) (await gate.admit('4.14.0')).destroy();
  expect(completed).toHaveLength(1);
}

describe('two ledgers that begin an upgrade at the same moment', () => {
  test.for(['first', 'second'] as const)(
    'under one token, and the %s asks a server first: one completes, both say it',
    async (order) => {
      const world = virtualEnvironment();
      const { tables, completed } = countedTables();
      const { one, two } = await twoGates(world, tables);
      const [before, after] = order === 'first' ? [one, two] : [two, one];
      expect(await bothCome(world, before.gate, after.gate)).toEqual(['admitted', 'UPGRADE_FAILED']);
      await world.clock.run(5_000);
      expect(completed).toEqual([1]);
      expect(await completions(before, after)).toEqual([1, 0]);
      await bothSayIt(one, two);
      expect(await failuresOf(after)).toContain(
        `token 1 was seen before, from another ledger (${await idOf(before)})`,
      );
      await staysDone(world, completed, one, two);
      await stop(one, two);
    },
  );

  test.for(['lower', 'higher'] as const)(
    'under different tokens, and the %s one asks a server first: the higher one completes, both say it',
    async (order) => {
      const world = virtualEnvironment();
      const { tables, completed } = countedTables();
      const { one, two } = await twoGates(world, tables, { spent: 4 });
      const gates = order === 'lower' ? [one.gate, two.gate] : [two.gate, one.gate];
      expect((await bothCome(world, ...gates)).sort()).toEqual(['UPGRADE_FAILED', 'admitted']);
      await world.clock.run(5_000);
      expect(completed).toEqual([5]);
      expect(await completions(one, two)).toEqual([0, 1]);
      await bothSayIt(one, two);
      await staysDone(world, completed, one, two);
      await stop(one, two);
    },
  );

  test('and one of them is not at its hook before the other one is done: it does not run any more, and both say it', async () => {
    const world = virtualEnvironment();
    const { tables, completed } = countedTables();
    const folder = tempFolder();
    const snapshot = Promise.withResolvers<void>();
    const name = `snapshot${folder}`;
    Object.assign(globalThis, { [name]: snapshot.promise });
    writeFileSync(`${folder}/snapshot.mjs`, `export default () => globalThis[${JSON.stringify(name)}];`);
    const { one, two } = await twoGates(world, tables, {
      second: { folder, migration: { ledger: 'memory:', snapshot: { module: 'snapshot.mjs' } } },
    });
    const late = bothCome(world, two.gate);
    expect(await bothCome(world, one.gate)).toEqual(['admitted']);
    snapshot.resolve();
    // The tables are where it needs them by now.
    expect(await late).toEqual(['admitted']);
    expect(await failuresOf(two)).toContain('token 1 was seen before, from another ledger');
    await world.clock.run(5_000);
    expect(completed).toEqual([1]);
    expect(await completions(one, two)).toEqual([1, 0]);
    await bothSayIt(one, two);
    await staysDone(world, completed, one, two);
    await stop(one, two);
  });

  test('whose clients come again and again: the one that was refused does not end the run of the other one in turn', async () => {
    const world = virtualEnvironment();
    const { tables, completed } = countedTables();
    const { one, two } = await twoGates(world, tables, { upgradeMs: 180_000 });
    let over = false;
    const keepComing = async (gate: Fleet) => {
      while (!over) {
        (await gate.connect('4.14.0').catch(() => null))?.destroy();
        await pause(world.clock, 2_000);
      }
    };
    const clients = [one, two].map(({ gate }) => keepComing(gate));
    await world.clock.run(600_000);
    over = true;
    await world.finish(Promise.all(clients));
    expect(completed).toEqual([1]);
    for (const { store } of [one, two])
      expect((await store.history('main')).filter(({ what }) => what === 'planned')).toHaveLength(1);
    for (const { gate } of [one, two]) (await gate.admit('4.14.0')).destroy();
    await stop(one, two);
  });

  test('gates that are started later say it too, until an operator says which ledger is right', async () => {
    const world = virtualEnvironment();
    const { tables } = countedTables();
    const { one, two } = await twoGates(world, tables);
    await bothCome(world, one.gate, two.gate);
    await world.clock.run(5_000);
    const others = one.gate.servers.map(({ id, address }) => ({ id, address }));
    const later = async (side: Side) => {
      await using gate = await startFleet(world, { others, store: side.store });
      await world.clock.run(5_000);
      return gate.log.of('migration', { what: 'foreign-ledger' }).map(({ seenLedger }) => seenLedger);
    };
    expect(await later(one)).toEqual([await idOf(two)]);
    expect(await later(two)).toEqual([await idOf(one)]);
    await one.ledger.accept(OPERATOR);
    expect(await later(one)).toEqual([]);
    expect((await one.ledger.read()).record).toMatchObject({ foreign: [], replaced: [await idOf(two)] });
    expect(await later(two)).toEqual([await idOf(one)]);
    await stop(one, two);
  });

  test('at servers of an earlier release, which keep tokens alone: as before, both complete, and neither says it', async () => {
    const world = virtualEnvironment();
    const { tables, completed } = countedTables();
    const { one, two } = await twoGates(world, tokensOnly(tables));
    expect(await bothCome(world, one.gate, two.gate)).toEqual(['admitted', 'admitted']);
    await world.clock.run(5_000);
    expect(completed).toEqual([1, 1]);
    for (const { gate } of [one, two])
      expect(gate.log.of('migration', { what: 'foreign-ledger' })).toEqual([]);
    await stop(one, two);
  });
});
