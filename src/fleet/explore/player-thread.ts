/** The thread behind `Players`: the steps of a plan come in, what came of it goes out. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Step } from '../steps/registry.ts';
import type { FleetSpec } from './fleet-spec.ts';
import { play } from './run-plan.ts';

const fleet: FleetSpec = workerData;

parentPort?.on('message', async (steps: readonly Step[]) => {
  parentPort?.postMessage(await play(fleet, steps));
});
