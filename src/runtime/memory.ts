/** What V8 keeps of memory after much was done, and a program that has little to do does not need. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../ports/clock.ts';

/** ms after the start, when what began with it (first probes, clients that waited for it) is over. */
const SETTLED_MS = 1_000;
/** How often the young generation is looked at, ms. */
const LOOK_MS = 2_000;
/** What it may have grown to without being looked after, bytes. */
const GROWN = 2 * 2 ** 20;

type Collect = (
  options: { readonly type: 'major'; readonly flavor: 'last-resort' } | { readonly type: 'minor' },
) => void;

let collector: Collect | null = null;

/** V8's collector, which it hands out only while a flag is set, and only to contexts made meanwhile. */
function collect(options: Parameters<Collect>[0]): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as Collect;
    setFlagsFromString('--no-expose-gc');
  }
  collector(options);
}

/**
 * Lets V8 collect all garbage and shrink its young generation to what it begins with. Reading modules makes that grow,
 * and it does not shrink again for as long as nothing is allocated. Takes some ten ms, in which nothing else happens.
 */
export function giveBackMemory(): void {
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

/**
 * From now on has V8 look after its young generation, which many clients make grow. V8 shrinks it only when it collects
 * it, and only if little was allocated since the last time; a program that has little to do does not come to that. A
 * collection of so few objects takes a millisecond, so it is done every few seconds, until the timer is cancelled.
 */
export function keepYoungGenerationSmall(clock: Clock): Timer {
  let timer = clock.after(LOOK_MS, look);
  function look(): void {
    if (youngGeneration() > GROWN) collect({ type: 'minor' });
    timer = clock.after(LOOK_MS, look);
  }
  return { cancel: () => timer.cancel() };
}

/** Its size, bytes. */
export function youngGeneration(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}
