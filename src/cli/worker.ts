/** The entry point of a worker: a gate that is told by its supervisor what to serve, and when to end. */
import { realClock } from '../runtime/clock.ts';
import type { Start, ToSupervisor, ToWorker } from '../workers/messages.ts';
import { workerConfig } from '../workers/worker-config.ts';
import { WorkerLink } from '../workers/worker-link.ts';
import { printable } from './printable.ts';
import { runGate } from './run-gate.ts';
import { reopenLog } from './signals.ts';
import { standardOutput } from './stdout.ts';
import { leave, type Stop } from './stop.ts';
import { createWorkerReload } from './worker-reload.ts';

const send = (message: ToSupervisor) => void process.send?.(message, () => {});

/** Time on the machine's monotonic clock, which all its processes share; ms. */
const machineTime = () => Number(process.hrtime.bigint()) / 1e6;

const stop = listenForStop();
process.once('message', (message) => void begin(message as Start));

/** Its supervisor says so, is gone, or somebody ends this one worker, which is replaced then; also while it starts. */
function listenForStop(): Stop {
  const asked = Promise.withResolvers<void>();
  const force = new AbortController();
  let told = 0;
  process.on('message', (message) => {
    if ((message as ToWorker).kind !== 'stop') return;
    if (++told === 1) asked.resolve();
    else force.abort();
  });
  process.on('disconnect', () => asked.resolve());
  process.on('SIGTERM', () => asked.resolve());
  process.on('SIGINT', () => {});
  return { asked: asked.promise, force: force.signal };
}

async function begin(start: Start): Promise<void> {
  process.title = `skewgate worker ${start.worker} ${start.file}`;
  try {
    leave(await serve(start));
  } catch (error) {
    process.exitCode = (await import('./status.ts')).report(error);
  }
  process.disconnect?.();
}

async function serve({ worker, config: whole, folder, addresses, room }: Start): Promise<number> {
  const config = workerConfig(whole, worker, process.ppid, addresses);
  const say = (line: string) => console.error(`skewgate: worker ${worker}: ${printable(line)}`);
  const link = new WorkerLink({
    limits: { ...config.limits, waiting: config.migration.hold.clients },
    room,
    clock: realClock,
    machineTime,
    send,
  });
  return runGate({
    config,
    around: {
      folder,
      stdout: standardOutput(say),
      say,
      worker: { isFirst: addresses === null, slots: link.slots, onFinding: (finding) => link.share(finding) },
    },
    made(built, _reload, coordination) {
      const { cluster, log, events } = built;
      const reload = createWorkerReload({ built, link, worker, send });
      process.on('message', (heard) => {
        const message = heard as ToWorker;
        switch (message.kind) {
          case 'room':
          case 'spare':
            return link.heard(message);
          case 'found':
            return cluster.learn(link.received(message.finding));
          case 'probe':
            return (coordination ?? cluster).probe();
          case 'record':
            return events.emit(message.event);
          case 'reopen-log':
            return reopenLog(log, say);
          case 'prepare':
          case 'commit':
          case 'abandon':
            return void reload(message);
        }
      });
    },
    started: (bound) => send({ kind: 'listening', addresses: bound }),
    untilStopped: (act) => act(stop),
    hurry: 'its supervisor can end it at once',
  });
}
