/** A gate as the whole of a process: from its start, through its signals, to the last record of its log. */

import type { Admin } from '../admin/admin.ts';
import type { AdminContext } from '../admin/context.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Config } from '../config/schema.ts';
import { plural } from '../config/units.ts';
import type { DecisionLog } from '../decision/record.ts';
import { type BuiltGate, buildGate, type GateDependencies } from '../gateway/build.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { pause } from '../ports/clock.ts';
import { realClock } from '../runtime/clock.ts';
import { type DescriptorNews, watchDescriptors } from '../runtime/descriptors.ts';
import { giveBackOnceQuiet } from '../runtime/memory.ts';
import { loadTransports, realRuntime } from '../runtime/real.ts';
import { coordinate, withdraw } from './coordinate.ts';
import { programVersion } from './package-version.ts';
import type { Stop } from './stop.ts';

/** ms that the log gets to take its last records. */
const LOG_MS = 2_000;
/** ms that clients get, once the gate has stopped, to take what was sent to them. */
const FLUSH_MS = 2_000;
const NO_DESCRIPTORS =
  'no file descriptor is left: new clients are cut off without a record, and no server can be dialled; raise the limit (ulimit -n), or lower limits.sessions';

export interface GateRun {
  readonly config: Config;
  /** What it needs beside time and network: where paths start, its standard output, where lines for people go. */
  readonly around: Pick<GateDependencies, 'folder' | 'stdout' | 'say' | 'worker'>;
  /** Called with the gate before it starts. */
  readonly made: (gate: Gate, cluster: Cluster) => void;
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
  made,
  started,
  untilStopped,
  hurry,
}: GateRun): Promise<number> {
  const { say } = around;
  await loadTransports(addressesOf(config));
  const metrics = await metricsOf(config);
  const built = buildGate(config, {
    ...realRuntime,
    ...around,
    ...(metrics && { sinks: [metrics.sink], observeStore: metrics.observeStore }),
  });
  metrics?.attach(built);
  const { gate, cluster, log } = built;
  let admin: Admin | null = null;
  const { folder } = around;
  const coordination = coordinate({ config, folder, built, admin: () => admin?.address ?? null });
  made(gate, cluster);
  let flush = FLUSH_MS;
  const timers = [watchDescriptors(realClock, (news) => tellDescriptors(news, gate, say))];
  try {
    await untilStopped(async ({ asked, force }) => {
      admin = metrics && (await startAdminOf({ ...built, coordination, metrics }, folder));
      // A server or ledger that hangs makes nobody wait who wants it to end before it is up.
      const start = (coordination?.start() ?? Promise.resolve()).then(() => gate.start());
      const isUp = await Promise.race([start.then(() => true), asked.then(() => false)]);
      if (isUp) {
        started(gate.status().addresses, admin?.link ?? null);
        timers.push(giveBackOnceQuiet(realClock, () => clientsOf(gate) === 0));
      }
      await asked;
      await beLameDuck(gate, config.timeouts.lameDuck, force, say);
      const clients = clientsOf(gate);
      if (clients > 0)
        say(
          `waiting up to ${config.timeouts.drain / 1_000} s for ${plural(clients, 'client')} to leave; ${hurry}`,
        );
      await gate.stop(config.timeouts.drain, force);
      if (force.aborted) flush = 0;
    });
    await closeLog(log, say);
  } finally {
    await (admin as Admin | null)?.close();
    metrics?.close();
    for (const timer of timers) timer.cancel();
    await withdraw(coordination);
  }
  return flush;
}

/** Somebody may ask for metrics only where there is an admin side; elsewhere nothing is measured, nor even read. */
async function metricsOf({ admin }: Config): Promise<Metrics | null> {
  if (admin === undefined) return null;
  const { createMetrics } = await import('../metrics/metrics.ts');
  return createMetrics({ clock: realClock, program: programVersion() });
}

/** Its listener for operators, which answers while the gate starts and until it has ended. Read only where there is one. */
async function startAdminOf(
  built: BuiltGate & Pick<AdminContext, 'coordination' | 'metrics'>,
  folder: string,
): Promise<Admin | null> {
  const { admin } = built.config;
  if (admin === undefined) return null;
  const { startAdmin } = await import('../admin/admin.ts');
  const { clock } = realRuntime;
  const context = { ...built, clock, startedAt: clock.now(), program: programVersion() };
  return startAdmin(context, admin, folder);
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

/** How many it has, also on their way in. */
function clientsOf(gate: Gate): number {
  const { sessions, handshakes } = gate.status();
  return sessions + handshakes;
}

/** All addresses that it listens on or dials. */
function addressesOf({ listen, servers }: Config): string[] {
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
