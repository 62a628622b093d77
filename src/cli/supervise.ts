/** `skewgate serve` with `workers: N`: this process supervises, and each worker is a gate in a process of its own. */
import { fork } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import type { GateEvent } from '../events/events.ts';
import { createReload } from '../gateway/reload.ts';
import { realClock } from '../runtime/clock.ts';
import { giveBackOnceQuiet } from '../runtime/memory.ts';
import type { Start, ToSupervisor, ToWorker } from '../workers/messages.ts';
import { Supervisor, WorkerFailed, type WorkerListener, type WorkerProcess } from '../workers/supervisor.ts';
import { forwardLines } from './forward-lines.ts';
import { onSignals, reloadBySignal } from './signals.ts';
import { standardOutput } from './stdout.ts';
import { untilStopped } from './stop.ts';
import type { Notifier } from './systemd.ts';

/** ms beyond the drain time, after which a worker that did not end by itself is ended. */
const LAST_WORDS = 10_000;

const WORKER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url),
);

export interface Supervision {
  readonly start: Pick<Start, 'file' | 'config' | 'folder'>;
  /** Called once all workers listen. */
  readonly started: (addresses: readonly string[]) => void;
  readonly say: (line: string) => void;
  /** Reads the config again. */
  readonly read: () => Promise<Config>;
  readonly systemd: Notifier;
}

/** Runs a gate of several workers to its end. Sets the exit status of the first one where that could not begin. */
export async function supervise({ start, started, say, read, systemd }: Supervision): Promise<void> {
  const { workers, limits, migration, log } = start.config;
  const output = log.file === undefined ? standardOutput(say) : null;
  output?.setMaxListeners(2 * workers);
  const supervisor = new Supervisor({
    workers,
    start,
    limits: { ...limits, waiting: migration.hold.clients },
    clock: realClock,
    fork: (_worker, listener) => forkWorker(listener, output),
    say,
  });
  const events = { emit: (event: GateEvent) => supervisor.record(event) };
  const reload = createReload({ read, running: supervisor, events });
  const signals = onSignals({
    hangUp: () => reloadBySignal(reload, systemd),
    reopenLog: () => supervisor.reopenLogs(),
  });
  try {
    await untilStopped(async ({ asked, force }) => {
      await Promise.race([supervisor.start().then(started), asked]);
      const quiet = giveBackOnceQuiet(realClock, () => true);
      await asked;
      quiet.cancel();
      force.addEventListener('abort', () => void supervisor.stop());
      const late = realClock.after(supervisor.config.timeouts.drain + LAST_WORDS, () => supervisor.kill());
      await supervisor.stop();
      late.cancel();
    });
  } catch (error) {
    if (!(error instanceof WorkerFailed)) throw error;
    // It has said itself why.
    process.exitCode = error.exit.code ?? 1;
  } finally {
    signals.stop();
  }
}

/**
 * A signal to the group, such as Ctrl-C, is the supervisor's to pass on: a worker is in a group of its own.
 * @param output where its records go; null: they go to a file
 */
function forkWorker(listener: WorkerListener, output: Writable | null): WorkerProcess {
  const child = fork(WORKER, [], {
    serialization: 'advanced',
    detached: true,
    stdio: ['ignore', output === null ? 'inherit' : 'pipe', 'inherit', 'ipc'],
  });
  if (output !== null && child.stdout !== null) forwardLines(child.stdout, output);
  child.on('message', (message) => listener.message(message as ToSupervisor));
  child.on('error', () => {});
  child.once('exit', (code, signal) => listener.exit({ code, signal }));
  return {
    // One that is gone is told nothing; its exit is on its way.
    send: (message: ToWorker) => void child.send(message, () => {}),
    kill: () => void child.kill('SIGKILL'),
  };
}
