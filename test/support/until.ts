/** Waits for a condition that something announced will make true; the deadline only bounds a failing test. */
import type { Changes } from '../../src/ports/changes.ts';

const DEADLINE = 8_000;

export async function until(
  changes: Changes,
  condition: () => boolean,
  what: string,
  deadline = DEADLINE,
): Promise<void> {
  const limit = AbortSignal.timeout(deadline);
  while (!condition()) {
    if (limit.aborted) throw new Error(`not within ${deadline / 1_000} s: ${what}`);
    await changes.next(limit);
  }
}
