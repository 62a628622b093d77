/** Fuzzes one target in a thread of its own, so that an input which hangs it, or kills it, is a finding too. */
import { Worker } from 'node:worker_threads';
import type { FuzzResult } from './fuzz.ts';
import { CURRENT_HEADER, type WorkerOrder } from './order.ts';

/** ms without the next input after which a target hangs. */
const HANGS = 60_000;
/** The longest input of any target, bytes. */
const LONGEST = 65_536;

/** Runs until the time or the inputs are used up, whichever is first. The same seed makes the same inputs. */
export async function runTarget(order: Omit<WorkerOrder, 'current'>): Promise<FuzzResult> {
  const current = new SharedArrayBuffer(CURRENT_HEADER + LONGEST);
  const workerData: WorkerOrder = { ...order, current };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const head = new Int32Array(current, 0, 2);
  const lost = (error: string): FuzzResult => {
    const [inputs = 0, length = 0] = head;
    const input = new Uint8Array(current.slice(CURRENT_HEADER, CURRENT_HEADER + length));
    return { inputs, blocks: 0, corpus: 0, findings: [{ error, input }] };
  };
  return new Promise((resolve) => {
    const watch = watchFor(head, () => {
      resolve(lost(`hangs: no end within ${HANGS / 1_000} s`));
      void worker.terminate();
    });
    worker.once('message', resolve);
    worker.once('error', (error: Error) => resolve(lost(error.stack ?? error.message)));
    worker.once('exit', (code) => {
      clearInterval(watch);
      resolve(lost(`the thread ended with ${code}`));
    });
  });
}

/** Calls `hangs` once the count stands still. */
function watchFor(head: Int32Array, hangs: () => void): NodeJS.Timeout {
  let last = -1;
  return setInterval(() => {
    const now = Atomics.load(head, 0);
    if (now === last) hangs();
    last = now;
  }, HANGS);
}
