/** What a config's ledger says of the upgrade, for commands that judge a client without a gate. Only ever reads. */
import path from 'node:path';
import type { Config } from '../config/schema.ts';
import { triggerOf } from '../gateway/build-migration.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import { LedgerFormatError } from '../migration/ledger/record.ts';
import { openStore, parseLedgerAddress } from '../migration/ledger/registry.ts';
import { LedgerUnavailable, type Store } from '../migration/ledger/store.ts';
import { missingFor } from '../migration/trigger.ts';
import { upgradeStatus } from '../migration/upgrade-status.ts';
import type { UpgradeState } from '../policy/types.ts';
import { realClock } from '../runtime/clock.ts';

/** What the ledger adds to what the command line states. */
export interface LedgerFacts {
  /** Level of the system tables on record; null: none is. */
  readonly level: number | null;
  readonly upgrade: UpgradeState;
  /** Why the ledger was not read, for people; null: it was. */
  readonly note: string | null;
}

const IDLE: UpgradeState = { state: 'idle' };

/** @param file the config; relative paths in it start in its folder. */
export async function readLedgerFacts(
  { cluster, migration }: Pick<Config, 'cluster' | 'migration'>,
  file: string,
): Promise<LedgerFacts> {
  const unread = (why: string): LedgerFacts => ({
    level: null,
    upgrade: IDLE,
    note: `the ledger ${migration.ledger} was not read: ${why}. A gate that reads it may decide otherwise`,
  });
  if (parseLedgerAddress(migration.ledger).kind.shared === 'process')
    return unread('it is in the memory of a gate');
  let store: Store | null = null;
  try {
    store = openStore(migration.ledger, { folder: path.dirname(path.resolve(file)), clock: realClock });
    const view = await new Ledger(store, cluster, realClock).read();
    const now = realClock.now();
    const client = { name: null, identity: 'explain' };
    const wanted = missingFor(triggerOf(migration.trigger), view.record, client, now);
    const { level } = view.record;
    return {
      level,
      upgrade: upgradeStatus(view, now, {
        holdAll: migration.hold.everyone,
        missing: () => (wanted === null ? null : { state: 'waiting', ...wanted }),
      }),
      note: null,
    };
  } catch (error) {
    if (!(error instanceof LedgerUnavailable || error instanceof LedgerFormatError)) throw error;
    return unread(error.message);
  } finally {
    await store?.close();
  }
}
