/** Tokens as servers claim them: no server's word may harm the ledger. */
import { describe, expect, test } from 'vitest';
import { EtcdStore } from '../../../src/migration/ledger/etcd.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { emptyRecord } from '../../../src/migration/ledger/record.ts';
import { SqliteStore } from '../../../src/migration/ledger/sqlite.ts';
import type { Store } from '../../../src/migration/ledger/store.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { createMemoryTables, type Tables } from '../../../src/server/tables.ts';
import { realEnvironment, type TestEnvironment, virtualEnvironment } from '../../support/environment.ts';
import { NO_ETCD, sharedEtcd } from '../../support/etcd.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';
import { claimed, finish, requestOf } from '../../support/ledger.ts';

/** Tables of a server that claims the highest token there is, and takes any. */
function lyingTables(): Tables {
  const tables = createMemoryTables(27);
  return {
    get level() {
      return tables.level;
    },
    token: Number.MAX_SAFE_INTEGER,
    ledgers: [],
    begin() {},
    complete: (_token, level) => tables.complete(0, level),
    close() {},
  };
}

async function believesNothing(world: TestEnvironment, store: Store): Promise<void> {
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.15.0', tables: lyingTables() }],
    store,
  });
  (await fleet.admit('4.14.0')).destroy();
  (await fleet.admit('4.15.0')).destroy();
  const { text } = await store.read('main');
  expect(JSON.parse(text ?? '')).toMatchObject({ token: 2, level: 29, claim: null });
  expect(fleet.log.of('migration', { what: 'impossible-token' })).toMatchObject([
    { server: 's1', seenToken: Number.MAX_SAFE_INTEGER },
  ]);
  expect(fleet.log.of('migration', { what: 'ledger-unavailable' })).toEqual([]);
}

const etcd = sharedEtcd();
const STORES: Readonly<Record<string, (clock: Clock) => Store>> = {
  memory: (clock) => new MemoryStore(clock),
  sqlite: (clock) => new SqliteStore({ file: `${tempFolder()}/ledger.db`, clock }),
  etcd: () => new EtcdStore({ hosts: etcd().hosts, prefix: '/tokens/' }),
};

describe('a server that claims the highest token there is', () => {
  test.each(Object.entries(STORES))('is named and not believed: %s', async (name, open) => {
    if (name === 'etcd' && NO_ETCD !== null) return;
    const store = open(realEnvironment.clock);
    await believesNothing(realEnvironment, store);
    await store.close();
  });

  test('a SQLite file that holds such a token already can be read', async () => {
    const { clock } = realEnvironment;
    const store = new SqliteStore({ file: `${tempFolder()}/ledger.db`, clock });
    const ledger = new Ledger(store, 'main', clock);
    const { text, revision } = await store.read('main');
    expect(text).toBeNull();
    const token = 2 ** 53;
    const record = { ...emptyRecord('main'), token };
    await store.swap('main', {
      expect: revision,
      text: JSON.stringify(record),
      history: [],
      grant: { token, ms: 60_000 },
    });
    expect((await store.read('main')).alive).toEqual(new Set([token]));
    expect((await ledger.read()).record).toEqual(record);
    await store.close();
  });
});

test('no upgrade begins beyond the last token there is, and clients that need one are told why', async () => {
  const world = virtualEnvironment();
  const store = new MemoryStore(world.clock);
  const ledger = new Ledger(store, 'main', world.clock);
  const last = claimed(
    await ledger.claim(requestOf('gate-a', '4.10.0', '4.13.0', Number.MAX_SAFE_INTEGER - 1), 60_000),
  );
  await finish(last);
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }],
    migration: { ledger: 'memory:', baseline: '4.13.0', hook: { command: ['true'] } },
    store,
  });
  const before = await store.history('main');
  expect(await fleet.refuse('4.14.0')).toMatchObject({
    code: 'UPGRADE_REQUIRED',
    retry: 'after-change',
    move: { side: 'operator', to: 'give all gates a new ledger', who: ['operator'] },
    message: expect.stringContaining('given the last token there is'),
  });
  (await fleet.admit('4.13.0')).destroy();
  await world.clock.run(60_000);
  expect(await store.history('main')).toEqual(before);
  expect(await ledger.claim(requestOf('gate-b', '4.13.0', '4.14.0'), 60_000)).toBe('failed');
});
