/** `npm run bench -- soak`: mixed traffic for a long time, and whether memory, descriptors or latency grow. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createSeeded } from '../../src/runtime/seeded.ts';
import type { Lab } from '../lab.ts';
import { cpuSeconds, descriptors, residentKib } from '../machine/usage.ts';
import { drawCharts } from '../pictures/chart.ts';
import { spreadOf } from '../statistics.ts';
import { startGate } from '../subjects/gate.ts';
import { chartsOf } from './charts.ts';
import { Tally } from './tally.ts';
import { runTraffic } from './traffic.ts';
import { growthOf, JUDGED_FROM, type Sample } from './verdict.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Where CSV and picture go. */
  readonly folder: string;
  readonly say: (line: string) => void;
  /** Ends it early, with a verdict on what was seen. */
  readonly stop: AbortSignal;
}

/** Seconds between two samples. */
const EVERY = 5;
/** ms that the gate gets to let go of the last sessions. */
const SETTLE = 5_000;
/** Descriptors that may be open at the end beyond those at the beginning: probes come and go. */
const SPARE = 8;
const FAULTS_SHOWN = 20;

/** Resolves to whether nothing grew, nothing stalled and no byte was wrong. */
export async function runSoak(lab: Lab, { minutes, folder, say, stop }: SoakOptions): Promise<boolean> {
  const { ports } = await lab.backend();
  const gate = await startGate(lab, ports);
  const pid = gate.pid as number;
  const before = descriptors(pid);
  const tally = new Tally();
  const over = AbortSignal.any([stop, AbortSignal.timeout(minutes * 60_000)]);
  mkdirSync(folder, { recursive: true });
  const traffic = runTraffic(
    { tcp: gate.port, ws: gate.webSocketPort as number },
    { tally, random: createSeeded(1), over },
  );
  const samples = await sample(pid, tally, over, path.join(folder, 'soak.csv'), say);
  await traffic;
  await pause(SETTLE);
  const left = descriptors(pid) - before;
  writeFileSync(path.join(folder, 'soak.svg'), drawCharts(chartsOf(samples)));
  return judge(samples, tally, left, say);
}

async function sample(
  pid: number,
  tally: Tally,
  over: AbortSignal,
  file: string,
  say: (line: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedAt = performance.now();
  for (let used = cpuSeconds(pid); !over.aborted; ) {
    await pause(EVERY * 1_000, undefined, { signal: over }).catch(() => {});
    const at = (performance.now() - startedAt) / 1_000;
    const now = cpuSeconds(pid);
    const taken = sampleOf(pid, tally, at, (now - used) / (at - (samples.at(-1)?.at ?? 0)));
    used = now;
    if (samples.length === 0) writeFileSync(file, `${Object.keys(taken).join(',')}\n`);
    appendFileSync(file, `${Object.values(taken).join(',')}\n`);
    samples.push(taken);
    if (samples.length % 12 === 0) say(lineOf(taken));
  }
  return samples;
}

function sampleOf(pid: number, tally: Tally, at: number, cpu: number): Sample {
  const { connects, echoes, admitted, refused, megabytes } = tally.take();
  return {
    at: rounded(at),
    memoryKib: residentKib(pid),
    descriptors: descriptors(pid),
    cpu: rounded(cpu),
    admitted,
    refused,
    megabytes: rounded(megabytes),
    connectP50: percentile(connects, 0.5),
    connectP99: percentile(connects, 0.99),
    echoP50: percentile(echoes, 0.5),
    echoP99: percentile(echoes, 0.99),
    faults: tally.faultCount,
  };
}

function percentile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.floor(share * (sorted.length - 1))];
  return value === undefined ? null : rounded(value);
}

const rounded = (value: number) => Math.round(value * 100) / 100;

function lineOf({ at, memoryKib, descriptors: open, connectP50, connectP99, faults }: Sample): string {
  return `${Math.round(at / 60)} min: ${Math.round(memoryKib / 1024)} MiB, ${open} descriptors, connect ${connectP50} ms (p99 ${connectP99}), ${faults} faults`;
}

function judge(
  samples: readonly Sample[],
  { faults, faultCount }: Tally,
  left: number,
  say: (line: string) => void,
): boolean {
  const growth = growthOf(samples);
  const admitted = samples.reduce((sum, each) => sum + each.admitted, 0);
  say(`${admitted} sessions in ${Math.round((samples.at(-1)?.at ?? 0) / 60)} minutes`);
  for (const { what, from, by, allowed, holds } of growth)
    say(
      `${holds ? 'holds' : 'GROWS'}: ${what}: ${rounded(from)}, grew by ${rounded(by)} (allowed: ${rounded(allowed)})`,
    );
  if (growth.length === 0) say(`too short to judge growth: that takes ${JUDGED_FROM / 60} minutes`);
  if (samples.length > 0)
    say(
      `memory at most ${Math.round(Math.max(...samples.map((each) => each.memoryKib)) / 1024)} MiB, median ${Math.round(spreadOf(samples.map((each) => each.memoryKib)).median / 1024)} MiB`,
    );
  const letGo = left <= SPARE;
  say(
    `${letGo ? 'holds' : 'LEAKS'}: ${left} descriptors more than at the beginning, once everybody had left`,
  );
  say(`${faultCount === 0 ? 'holds' : 'FAILS'}: ${faultCount} stalls, wrong bytes or unexpected ends`);
  for (const fault of faults.slice(0, FAULTS_SHOWN)) say(`  ${fault}`);
  const passed = faultCount === 0 && letGo && growth.every(({ holds }) => holds);
  say(passed ? 'passed' : 'failed');
  return passed;
}
