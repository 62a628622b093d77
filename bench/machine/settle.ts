/** Waits until a process has taken and given back what it was about to. */
import { setTimeout as pause } from 'node:timers/promises';
import { residentKib } from './usage.ts';

/** ms between two looks, and how many at most. */
const STEP = 400;
const STEPS = 60;
/** Looks after which it may be believed. */
const LEAST = 3;
/** KiB that come and go all the time. */
const STILL = 256;

/** Looks for a program that gives memory back some 15 seconds after the last who came, as V8 does. */
export const LONG = 45;

/**
 * Resident memory in KiB, once it hardly changes any more; where figures mean nothing, at once.
 * @param least looks after which that may be believed
 */
export async function settledKib(
  { quick }: { readonly quick: boolean },
  pid: number,
  least = LEAST,
): Promise<number> {
  let before = residentKib(pid);
  if (quick) return before;
  for (let step = 0; step < STEPS; step++) {
    await pause(STEP);
    const now = residentKib(pid);
    if (step >= least && Math.abs(now - before) < STILL) return now;
    before = now;
  }
  return before;
}
