/** The thread behind `Players`: the steps of a plan come in, what came of it goes out. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Step } from '../steps/registry.ts';
import type { FleetSpec } from './fleet-spec.ts';

// A thread does not inherit the cache of the process, and most of its start is compiling.
enableCompileCache();
const { play } = await import('./run-plan.ts');

const fleet: FleetSpec = workerData;

parentPort?.on('message', async (steps: readonly Step[]) => {
  parentPort?.postMessage(await play(fleet, steps));
});
