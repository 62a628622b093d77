/** Memory that starting took. The size of V8's young generation is a count: it does not vary with the machine. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { realClock } from '../../src/runtime/clock.ts';
import {
  giveBackMemory,
  giveBackOnceQuiet,
  keepYoungGenerationSmall,
  youngGeneration,
} from '../../src/runtime/memory.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/** What V8 begins with, at most, and what it has grown to where much was kept; bytes. */
const [SMALL, GROWN] = [2 * 2 ** 20, 4 * 2 ** 20];

/** As reading modules does: much is made, and kept. */
function grow(): void {
  const kept: object[] = [];
  for (let turn = 0; turn < 2_000_000 && youngGenerationEvery(turn) < GROWN; turn++) kept.push({ turn });
  expect(youngGeneration()).toBeGreaterThanOrEqual(GROWN);
}

const youngGenerationEvery = (turn: number) => (turn % 10_000 === 0 ? youngGeneration() : 0);

describe('memory that starting took', () => {
  test('is given back, so that an idle gate does not keep what reading its modules needed', () => {
    grow();
    giveBackMemory();
    expect(youngGeneration()).toBeLessThanOrEqual(SMALL);
    expect(Reflect.has(globalThis, 'gc')).toBe(false);
  });

  test('stays where a client would have to wait for it', async () => {
    const clock = new VirtualClock();
    grow();
    giveBackOnceQuiet(clock, () => false);
    await clock.run(10_000);
    expect(youngGeneration()).toBeGreaterThanOrEqual(GROWN);
  });

  test('is given back a moment after the start, when it is quiet', async () => {
    const clock = new VirtualClock();
    grow();
    giveBackOnceQuiet(clock, () => true);
    await clock.run(10_000);
    expect(youngGeneration()).toBeLessThanOrEqual(SMALL);
  });
});

test('what many clients made the young generation grow to is given back while there is little to do', async () => {
  grow();
  const timer = keepYoungGenerationSmall(realClock);
  onTestFinished(() => timer.cancel());
  for (const limit = AbortSignal.timeout(15_000); youngGeneration() > SMALL; await pause(100))
    limit.throwIfAborted();
});
