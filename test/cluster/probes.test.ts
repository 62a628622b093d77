/** When servers are asked. */
import { expect, test } from 'vitest';
import { Probes } from '../../src/cluster/probes.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { seeded } from '../support/random.ts';

const INTERVAL = 5_000;

/** ms between the first rounds. */
async function rounds(jitter?: ReturnType<typeof seeded>): Promise<number[]> {
  const clock = new VirtualClock();
  const server = { seenAt: 0, knownAt: 0, askedAt: 0, probing: null } as never;
  const times = [0];
  const probes = new Probes({
    servers: () => [server],
    clock,
    interval: () => INTERVAL,
    jitter,
    ask: async () => void times.push(clock.monotonic()),
  });
  probes.begin();
  await clock.run(40 * INTERVAL);
  probes.stop();
  await clock.run(10 * INTERVAL);
  return times.slice(1).map((time, at) => time - (times[at] as number));
}

test('gates that start together soon ask at different times, each within a tenth of the interval', async () => {
  const [one, other] = [await rounds(seeded(1)), await rounds(seeded(2))];
  for (const gap of [...one, ...other]) expect(Math.abs(gap - INTERVAL)).toBeLessThanOrEqual(INTERVAL / 10);
  expect(new Set(one).size).toBeGreaterThan(30);
  expect(one).not.toEqual(other);
});

test('without randomness they are asked at the interval exactly', async () => {
  expect(await rounds()).toEqual(Array.from({ length: 40 }, () => INTERVAL));
});
