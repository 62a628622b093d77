/** What starting took of memory, and a program that has started does not need. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../ports/clock.ts';

/** ms after the start, when what began with it (first probes, clients that waited for it) is over. */
const SETTLED_MS = 1_000;

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * Lets V8 collect all garbage and shrink its young generation to what it begins with. Reading modules makes that grow,
 * and it does not shrink again for as long as nothing is allocated. Takes some ten ms, in which nothing else happens.
 */
export function giveBackMemory(): void {
  // V8 hands out its collector only while this is set, and only to contexts made meanwhile.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', flavor: 'last-resort' });
}

/**
 * Does that once, shortly after the start, unless somebody would have to wait for it.
 * @param isQuiet whether nobody would
 */
export function giveBackOnceQuiet(clock: Clock, isQuiet: () => boolean): Timer {
  return clock.after(SETTLED_MS, () => {
    if (isQuiet()) giveBackMemory();
  });
}
