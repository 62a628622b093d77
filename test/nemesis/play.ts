/**
 * Plays a schedule: clients of both releases come to both gates all the time, faults come when the schedule says,
 * then everything is healed and the upgrade has to be complete, once, with everybody answered.
 */
import { ConnectError } from '../../src/client/connect.ts';
import { RefusedError } from '../../src/client/session.ts';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import type { HistoryEntry } from '../../src/migration/ledger/record.ts';
import { openStore } from '../../src/migration/ledger/registry.ts';
import { realClock } from '../../src/runtime/clock.ts';
import type { Etcd } from '../support/etcd.ts';
import { Fleet, passed, TO_LEVEL } from './fleet.ts';
import { readWork, signalHook, type Work } from './hook.ts';
import { GATES, type Schedule } from './schedule.ts';

/** What became of one client. */
export interface Answer {
  readonly client: string;
  readonly gate: number;
  /** ms since the epoch. */
  readonly from: number;
  readonly until: number;
  /** `admitted`, a code, `down`: there was no gate to ask, or `lost`: no answer. */
  readonly outcome: string;
  readonly error: string;
}

export interface Evidence {
  readonly schedule: Schedule;
  readonly answers: readonly Answer[];
  readonly work: readonly Work[];
  readonly history: readonly HistoryEntry[];
  readonly level: number;
  readonly completed: readonly number[];
  /** When each gate could not answer. */
  readonly away: ReadonlyArray<ReadonlyArray<{ readonly from: number; readonly until: number }>>;
  /** Null: both gates admitted a new client after everything was healed. */
  readonly stuck: string | null;
  readonly said: readonly string[];
}

const CLIENT_EVERY = 250;
/** Longer than any wait that the gates' config allows. */
const ANSWER_WITHIN = 20_000;
const HEALED_WITHIN = 90_000;

export async function play(schedule: Schedule, etcd: Etcd | null): Promise<Evidence> {
  const fleet = await Fleet.start(schedule, etcd);
  const answers: Promise<Answer>[] = [];
  const begun = Date.now();
  const over = Math.max(...schedule.faults.map(({ at }) => at)) + 1_000;
  const faults = schedule.faults.map(async ({ at, fault }) => {
    await passed(Math.max(0, begun + at - Date.now()));
    await fleet.act(fault);
  });
  for (let turn = 0; Date.now() - begun < over; turn++) {
    answers.push(attempt(fleet, turn % GATES, turn % 3 === 0 ? '4.13.0' : '4.14.0'));
    await passed(CLIENT_EVERY);
  }
  await Promise.all(faults);
  const stuck = await heal(fleet, schedule.loses);
  const seen = await Promise.all(answers);
  const store = openStore(fleet.ledger, { folder: fleet.folder, clock: realClock });
  const history = await new Ledger(store, fleet.cluster, realClock).history();
  await store.close();
  await fleet.stop();
  return {
    schedule,
    answers: seen,
    work: readWork(fleet.folder),
    history,
    level: fleet.tables.level,
    completed: fleet.tables.completed,
    away: fleet.slots.map(({ away }) => away),
    stuck,
    said: fleet.said,
  };
}

/** Whatever the faults left standing still, blocked or failed goes on; null: then both gates admit a new client. */
async function heal(fleet: Fleet, lost: boolean): Promise<string | null> {
  signalHook(fleet.folder, 'SIGCONT');
  if (lost) {
    // An operator accepts a ledger once no hook is running any more.
    signalHook(fleet.folder, 'SIGKILL');
    await fleet.operate('accept-ledger');
  }
  for (let at = 0; at < GATES; at++) await fleet.startGate(at);
  await fleet.operate('unblock');
  await fleet.operate('retry');
  const limit = Date.now() + HEALED_WITHIN;
  for (let at = 0; at < GATES; at++) {
    let last = '';
    for (;;) {
      const { outcome, error } = await attempt(fleet, at, '4.14.0');
      if (outcome === 'admitted') break;
      last = `${outcome}: ${error}`;
      if (Date.now() > limit) return `gate ${at + 1} does not admit a new client: ${last}`;
      if (outcome === 'down') await fleet.startGate(at);
      if (outcome === 'UPGRADE_FAILED') await fleet.operate('retry');
      await passed(200);
    }
  }
  return fleet.tables.level === TO_LEVEL ? null : `the tables are at level ${fleet.tables.level}`;
}

async function attempt(fleet: Fleet, gate: number, client: string): Promise<Answer> {
  const from = Date.now();
  const answer = (outcome: string, error = ''): Answer => ({
    client,
    gate,
    from,
    until: Date.now(),
    outcome,
    error,
  });
  const slot = fleet.slots[gate];
  if (!slot?.listening || slot.gate === null) return answer('down');
  try {
    const session = await slot.gate.connect(client, { timeout: ANSWER_WITHIN });
    session.on('error', () => {});
    session.destroy();
    return answer('admitted');
  } catch (error) {
    if (error instanceof RefusedError) return answer(error.code, error.message);
    if (error instanceof ConnectError) return answer('lost', error.message);
    throw error;
  }
}
