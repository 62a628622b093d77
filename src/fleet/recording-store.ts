/** Wraps the system tables and the ledger so that everything done to them is noted in the ground truth. */
import type { HistoryEntry } from '../migration/ledger/record.ts';
import { type Store, wrapStore } from '../migration/ledger/store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tables } from '../server/tables.ts';
import type { GroundTruth, UpgradeRun } from './ground-truth.ts';

/** The tables as one server process sees them; `died` ends what it was doing. */
export function recordTables(
  tables: Tables,
  server: string,
  { runs }: GroundTruth,
  clock: Clock,
  changed: () => void,
): Tables & { died(): void } {
  const running = (token: number) =>
    runs.findLast((run) => run.server === server && run.token === token && run.end === null);
  const finish = (run: UpgradeRun | undefined, how: UpgradeRun['how'], level: number | null = null) => {
    if (run !== undefined) Object.assign(run, { how, level, end: clock.now() });
  };
  return {
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
      runs.push({ server, token, from: clock.now(), end: null, how: 'left', level: null });
    },
    complete(token, level, ledger) {
      const run = running(token);
      const before = tables.level;
      try {
        tables.complete(token, level, ledger);
      } catch (error) {
        finish(run, 'stale');
        throw error;
      }
      finish(run, before < level ? 'completed' : 'idle', level);
      if (tables.level !== before) changed();
    },
    close() {},
    died() {
      for (const run of runs) if (run.server === server && run.end === null) finish(run, 'died');
    },
  };
}

/** @param changed gets the record as each swap leaves it, as JSON, and what the swap adds to the history. */
export function recordStore(
  store: Store,
  changed: (text: string, history: readonly HistoryEntry[]) => void,
): Store {
  return wrapStore(store, {
    async swap(cluster, swap) {
      const done = await store.swap(cluster, swap);
      if (done) changed(swap.text, swap.history);
      return done;
    },
  });
}

/** The store as one gate uses it. Notes what the gate writes, and the tokens that it is granted. */
export function recordGrants(
  store: Store,
  gate: string,
  { grants, writes }: GroundTruth,
  clock: Clock,
): Store {
  return wrapStore(store, {
    async swap(cluster, swap) {
      const done = await store.swap(cluster, swap);
      const write = writes.findLast(({ text }) => text === swap.text);
      if (done && write !== undefined) write.gate = gate;
      if (done && swap.grant !== undefined) grants.push({ token: swap.grant.token, gate, at: clock.now() });
      return done;
    },
  });
}
