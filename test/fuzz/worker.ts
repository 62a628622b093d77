/** The thread that fuzzes one target. What it runs stands in memory that the main thread can read when it hangs or dies. */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzz } from './fuzz.ts';
import { CURRENT_HEADER, type WorkerOrder } from './order.ts';
import { TARGETS } from './targets/registry.ts';

const { target: name, seed, ms, inputs, current } = workerData as WorkerOrder;
const head = new Int32Array(current, 0, 2);
const body = new Uint8Array(current, CURRENT_HEADER);
const open = TARGETS[name];
if (open === undefined) throw new Error(`no target ${name}`);

const target = await open();
const end = performance.now() + ms;
const result = await fuzz(target, {
  seed,
  isOver: (count) => count >= inputs || performance.now() >= end,
  onInput(input) {
    body.set(input.subarray(0, body.length));
    Atomics.store(head, 1, Math.min(input.length, body.length));
    Atomics.add(head, 0, 1);
  },
});
parentPort?.postMessage(result);
