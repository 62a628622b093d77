/** A worker's part in a reload: it does what can fail, says so, and is told whether to do the rest. */
import type { BuiltGate } from '../gateway/build.ts';
import type { Prepared } from '../ports/prepared.ts';
import { loadTransports } from '../runtime/real.ts';
import type { ToSupervisor, ToWorker } from '../workers/messages.ts';
import { workerConfig } from '../workers/worker-config.ts';
import type { WorkerLink } from '../workers/worker-link.ts';
import { addressesOf } from './run-gate.ts';

export interface WorkerReloadParts {
  readonly built: BuiltGate;
  readonly link: WorkerLink;
  readonly worker: number;
  readonly send: (message: ToSupervisor) => void;
}

/** What takes those messages that are about a reload. */
export function createWorkerReload({ built, link, worker, send }: WorkerReloadParts) {
  let prepared: Prepared | null = null;
  const take = (): Prepared | null => {
    const taken = prepared;
    prepared = null;
    return taken;
  };
  return async (message: Extract<ToWorker, { readonly kind: 'prepare' | 'commit' | 'abandon' }>) => {
    if (message.kind === 'abandon') return take()?.abandon();
    if (message.kind === 'commit') {
      link.resize(message);
      return take()?.commit();
    }
    try {
      const next = workerConfig(message.config, worker, process.ppid, message.addresses);
      await loadTransports(addressesOf(next));
      prepared = await built.reconfiguration.prepare(next);
      send({ kind: 'prepared', error: null });
    } catch (error) {
      send({ kind: 'prepared', error: (error as Error).message });
    }
  };
}
