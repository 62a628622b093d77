/** Waits until a process has taken and given back what it was about to. */
import { setTimeout as pause } from 'node:timers/promises';
import { residentKib } from './usage.ts';

/** ms between two looks, and how many at most. */
const STEP = 400;
const STEPS = 10;
/** KiB that come and go all the time. */
const STILL = 256;

/** Resident memory in KiB, once it hardly changes any more; where figures mean nothing, at once. */
export async function settledKib({ quick }: { readonly quick: boolean }, pid: number): Promise<number> {
  let before = residentKib(pid);
  if (quick) return before;
  for (let step = 0; step < STEPS; step++) {
    await pause(STEP);
    const now = residentKib(pid);
    if (step > 1 && Math.abs(now - before) < STILL) return now;
    before = now;
  }
  return before;
}
