/** A soak's verdict: growth is seen through the noise of a heap, and noise is not taken for growth. */
import { expect, test } from 'vitest';
import { drawCharts } from '../../bench/pictures/chart.ts';
import { chartsOf } from '../../bench/soak/charts.ts';
import { growthOf, type Sample } from '../../bench/soak/verdict.ts';
import { createSeeded } from '../../src/runtime/seeded.ts';

/** Two hours, a sample every five seconds; a heap goes up and down like a saw. */
function samplesOf(memoryAt: (share: number) => number, minutes = 120): Sample[] {
  const random = createSeeded(7);
  const count = minutes * 12;
  return Array.from({ length: count }, (_, at) => ({
    at: (at + 1) * 5,
    memoryKib: memoryAt(at / count) + (at % 40) * 500,
    descriptors: 130 + Math.floor(random.next() * 8),
    cpu: 0.1,
    admitted: 100,
    refused: 5,
    megabytes: 80,
    connectP50: 2 + random.next(),
    connectP99: 40,
    echoP50: at % 3 === 0 ? null : 1 + random.next(),
    echoP99: 30,
    faults: 0,
  }));
}

const held = (samples: readonly Sample[]) =>
  Object.fromEntries(growthOf(samples).map(({ what, holds }) => [what.split(',')[0], holds]));

test('a heap that goes up and down holds', () => {
  expect(held(samplesOf(() => 120_000))).toEqual({
    memory: true,
    descriptors: true,
    'connect to permit': true,
    echo: true,
  });
});

test('a slow leak is seen through it, and nothing else is blamed', () => {
  expect(held(samplesOf((share) => 120_000 + share * 24_000))).toMatchObject({
    memory: false,
    descriptors: true,
  });
});

test('a heap that finds its size at the beginning is no leak', () => {
  expect(held(samplesOf((share) => 120_000 - 50_000 * Math.exp(-share * 60)))).toMatchObject({
    memory: true,
  });
});

test('a heap that takes half an hour to find its size, and a step later on, is no leak', () => {
  const minutes = (share: number) => share * 120;
  const size = (share: number) => (minutes(share) < 29 ? 109_000 : minutes(share) < 80 ? 147_000 : 150_500);
  expect(held(samplesOf(size))).toMatchObject({ memory: true });
});

test('after a few minutes nothing is said', () => {
  expect(growthOf(samplesOf(() => 1, 5))).toEqual([]);
  expect(growthOf([])).toEqual([]);
});

test('the picture shows every quantity, and no number is missing in it', () => {
  const picture = drawCharts(chartsOf(samplesOf(() => 120_000, 10)));
  expect(picture).toContain('Memory of the gate');
  expect(picture).toContain('Echo of up to 1 KiB');
  expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  expect(drawCharts(chartsOf([]))).not.toMatch(/NaN|Infinity|undefined/);
});
