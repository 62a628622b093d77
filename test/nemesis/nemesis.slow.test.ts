/**
 * Random schedules of faults on real processes. `SKEWGATE_SCHEDULES` says how many on each ledger (default: a few),
 * `SKEWGATE_SEED` where to begin; a schedule that failed is played again with its seed and a count of 1.
 */
import { describe, expect, test } from 'vitest';
import { NO_MOUNT } from '../decision/small-disk.ts';
import { NO_ETCD, startEtcd } from '../support/etcd.ts';
import { findFaults } from './checks.ts';
import { type Evidence, play } from './play.ts';
import { drawSchedule, printSchedule } from './schedule.ts';

const COUNT = Number(process.env.SKEWGATE_SCHEDULES ?? 6);
const FIRST = Number(process.env.SKEWGATE_SEED ?? 1);
/** Schedules that are played side by side: they wait more than they compute. */
const ABREAST = 3;

const seeds = Array.from({ length: COUNT }, (_, at) => FIRST + at);
const batches = Array.from({ length: Math.ceil(COUNT / ABREAST) }, (_, at) =>
  seeds.slice(at * ABREAST, (at + 1) * ABREAST),
);

function report(evidence: Evidence, faults: readonly string[]): string {
  return [
    ...faults,
    printSchedule(evidence.schedule),
    ...evidence.said.map((line) => `  ${line}`),
    ...evidence.work.map((line) => `  ${JSON.stringify(line)}`),
    ...evidence.history.map((line) => `  ${JSON.stringify(line)}`),
  ].join('\n');
}

async function playAll(ledger: 'sqlite' | 'etcd', batch: readonly number[]): Promise<void> {
  const reports = await Promise.all(
    batch.map(async (seed) => {
      await using etcd = ledger === 'etcd' ? await startEtcd() : null;
      const evidence = await play(drawSchedule(seed, ledger), etcd);
      const faults = findFaults(evidence);
      return faults.length === 0 ? '' : report(evidence, faults);
    }),
  );
  expect(reports.filter((text) => text !== '').join('\n\n')).toBe('');
}

describe.skipIf(NO_MOUNT !== null)('a ledger in SQLite, on a disk that may be full', () => {
  test.each(batches)('one completion, no token twice, everybody answered: seeds %i, %i, %i', (...batch) =>
    playAll(
      'sqlite',
      batch.filter((seed) => seed !== undefined),
    ),
  );
});

describe.skipIf(NO_ETCD !== null)('a ledger in etcd, which may stand still or be cut off', () => {
  test.each(batches)('one completion, no token twice, everybody answered: seeds %i, %i, %i', (...batch) =>
    playAll(
      'etcd',
      batch.filter((seed) => seed !== undefined),
    ),
  );
});
