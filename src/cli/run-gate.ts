/** A gate as the whole of a process: from its start, through its signals, to the last record of its log. */

import type { Config } from '../config/schema.ts';
import { plural } from '../config/units.ts';
import type { Coordination } from '../coordination/coordination.ts';
import type { DecisionLog } from '../decision/record.ts';
import { type BuiltGate, buildGate, type GateDependencies } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import { createReload, type Reload } from '../gateway/reload.ts';
import { pause } from '../ports/clock.ts';
import { realClock } from '../runtime/clock.ts';
import { type DescriptorNews, watchDescriptors } from '../runtime/descriptors.ts';
import { giveBackOnceQuiet, keepYoungGenerationSmall } from '../runtime/memory.ts';
import { loadTransports, realRuntime } from '../runtime/real.ts';
import { type AdminSide, prepareAdmin } from './admin-side.ts';
import { coordinate, sharedStore, withdraw } from './coordinate.ts';
import type { Stop } from './stop.ts';

/** ms that the log gets to take its last records. */
const LOG_MS = 2_000;
/** ms that clients on their way in get, once the gate listens no more. */
const LAST_MS = 1_000;
/** ms that clients get, once the gate has stopped, to take what was sent to them. */
const FLUSH_MS = 2_000;
const NO_DESCRIPTORS =
  'no file descriptor is left: new clients are cut off without a record, and no server can be dialled; raise the limit (ulimit -n), or lower limits.sessions';

export interface GateRun {
  readonly config: Config;
  /** What it needs beside time and network: where paths start, its standard output, where lines for people go. */
  readonly around: Pick<GateDependencies, 'folder' | 'stdout' | 'say' | 'worker' | 'sockets'>;
  /** Reads the config again; absent: a reload is not for this process to do. */
  readonly read?: () => Promise<Config>;
  /** Called with the gate before it starts. */
  readonly made: (gate: BuiltGate, reload: Reload | null, coordination: Coordination | null) => void;
  /** Called once it listens. @param admin where its operators go; null: its config has no admin side */
  readonly started: (addresses: readonly string[], admin: string | null) => void;
  /** Runs what it is given until the process is asked to stop. */
  readonly untilStopped: (act: (stop: Stop) => Promise<void>) => Promise<void>;
  /** What a person may do who can't wait for it to end. */
  readonly hurry: string;
}

/** Runs a gate to its end. Returns the ms that its clients get after it. */
export async function runGate({
  config,
  around,
  read,
  made,
  started,
  untilStopped,
  hurry,
}: GateRun): Promise<number> {
  const { say } = around;
  await loadTransports(addressesOf(config));
  const { folder } = around;
  const admin = await prepareAdmin(config, folder);
  const store = sharedStore(config, folder);
  let coordination: Coordination | null = null;
  const built = buildGate(config, {
    ...realRuntime,
    ...around,
    ...admin?.dependencies,
    jitter: realRuntime.random,
    ...(store && { store, onFinding: (finding) => coordination?.note(finding) }),
  });
  admin?.attach(built);
  const { gate, log, reconfiguration } = built;
  const reload = read === undefined ? null : reloadOf(built, read, admin);
  const isProber = around.worker === undefined;
  coordination = coordinate({ built, store, isProber, admin: () => admin?.address ?? null, say });
  made(built, reload, coordination);
  let flush = FLUSH_MS;
  const timers = [watchDescriptors(realClock, (news) => tellDescriptors(news, gate, say))];
  try {
    await untilStopped(async ({ asked, force }) => {
      await admin?.start({ ...built, config: () => reconfiguration.config, coordination, reload });
      // A server or ledger that hangs makes nobody wait who wants it to end before it is up.
      const isUp = await Promise.race([start(gate, coordination).then(() => true), asked.then(() => false)]);
      if (isUp) {
        started(gate.status().addresses, admin?.link ?? null);
        timers.push(giveBackOnceQuiet(realClock, () => clientsOf(gate) === 0));
        timers.push(keepYoungGenerationSmall(realClock));
      }
      await asked;
      const { timeouts } = reconfiguration.config;
      await beLameDuck(gate, timeouts.lameDuck, force, say);
      admin?.retire();
      await gate.takeLast(LAST_MS, force);
      const clients = clientsOf(gate);
      if (clients > 0)
        say(`waiting up to ${timeouts.drain / 1_000} s for ${plural(clients, 'client')} to leave; ${hurry}`);
      await gate.stop(timeouts.drain, force);
      if (force.aborted) flush = 0;
    });
    await closeLog(log, say);
  } finally {
    await admin?.close();
    for (const timer of timers) timer.cancel();
    await withdraw(coordination);
  }
  return flush;
}

/** Orders for all gates are heeded before it takes its first client. */
async function start(gate: Gate, coordination: Coordination | null): Promise<void> {
  await coordination?.start();
  await gate.start();
  void coordination?.startProbing();
}

/** It goes on for a while, so that who asks `/ready` has time to send clients elsewhere. */
async function beLameDuck(
  gate: Gate,
  ms: number,
  force: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  gate.leave();
  if (ms === 0 || gate.lifecycle.state === 'starting') return;
  say(`not ready any more: clients that come are still taken, for ${ms / 1_000} s`);
  await pause(realClock, ms, force);
}

/** What a reload brings with it is loaded before it is applied. */
function reloadOf(
  { reconfiguration, events }: BuiltGate,
  read: () => Promise<Config>,
  admin: AdminSide | null,
): Reload {
  const readAll = async () => {
    const next = await read();
    await loadTransports(addressesOf(next));
    return next;
  };
  const named = admin === null ? undefined : (next: Config) => admin.prepare(next);
  return createReload({ read: readAll, running: reconfiguration, events, named });
}

/** How many it has, also on their way in. */
function clientsOf(gate: Gate): number {
  const { sessions, handshakes } = gate.status();
  return sessions + handshakes;
}

/** All addresses that it listens on or dials. */
export function addressesOf({ listen, servers }: Config): string[] {
  return [
    ...listen.map(({ tcp, ws }) => (tcp === undefined ? `ws://${ws}` : `tcp://${tcp}`)),
    ...servers.map(({ address }) => address),
  ];
}

/** On the terminal and in the log: the clients that come meanwhile leave no record of their own. */
function tellDescriptors(
  { isLeft, times, seconds }: DescriptorNews,
  gate: Gate,
  say: (line: string) => void,
): void {
  say(isLeft ? `file descriptors are left again, after ${plural(seconds, 'second')}` : NO_DESCRIPTORS);
  gate.noteDescriptors(isLeft ? null : NO_DESCRIPTORS, { times, seconds });
}

/** A disk or reader that takes nothing does not keep the gate from ending. */
async function closeLog(log: DecisionLog, say: (line: string) => void): Promise<void> {
  const late = realClock.after(LOG_MS, () => {
    say(`decision log: it did not take its last records within ${LOG_MS / 1_000} s; they are lost`);
    process.exit(1);
  });
  await log.close();
  late.cancel();
}
