/** Fleets on virtual time: random plans per second, and 100,000 clients that come within a minute. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Experiment, Values } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import { peakKib } from '../machine/usage.ts';
import { eachRound } from '../subjects/proxy.ts';

const COMMAND = fileURLToPath(new URL('../../src/cli/skewgate.cjs', import.meta.url));
/** Plans that the command plays unless told otherwise. */
const RUNS = 1_000;
/** ms that one of these may take. */
const LIMIT = 180_000;

/** Seconds that the command takes from start to end, and the most memory it had, in GB. */
export async function timeCommand(
  lab: Lab,
  args: readonly string[],
): Promise<{ seconds: number; memory: number }> {
  const startedAt = performance.now();
  await using program = await lab.start([process.execPath, COMMAND, ...args], { cwd: lab.folder });
  const over = program.output(LIMIT).then(() => true);
  let kib = 0;
  while (!(await Promise.race([over, pause(50)]))) kib = Math.max(kib, peakKib(program.pid));
  return { seconds: (performance.now() - startedAt) / 1_000, memory: (kib * 1_024) / 1e9 };
}

async function plansPerSecond(lab: Lab, jobs: readonly string[]): Promise<Values> {
  const runs = lab.quick ? 5 : RUNS;
  const { seconds } = await timeCommand(lab, ['explore', '--runs', String(runs), '--json', ...jobs]);
  return { rate: runs / seconds };
}

export const EXPLORE: Experiment = {
  name: 'explore',
  title: '`explore`, default fleet',
  note: `${RUNS} plans, the start of the command counted.`,
  reference: null,
  rounds: 3,
  figures: [{ key: 'rate', title: '`explore`, default fleet, plans per second', unit: '/s', more: true }],
  goals: { 'all cores': { least: 120, aim: 200 } },
  variants: [
    eachRound('one core', [], (lab) => plansPerSecond(lab, ['--jobs', '1'])),
    eachRound('all cores', [], (lab) => plansPerSecond(lab, [])),
  ],
};

/** A scenario in which so many clients come within a minute. */
function stormOf(count: number): object {
  return {
    name: `${count} clients come back`,
    servers: { count: 3, version: '4.14.0', tables: '4.14.0' },
    clients: [{ name: 'app', count, version: '4.13.0', over: '1m', arrival: 'randomly' }],
    steps: [{ connect: 'app' }],
    expect: { sessions: count, admitted: count, refused: 0, dropped: 0, lost: 0 },
  };
}

export const STORM: Experiment = {
  name: 'storm',
  title: '100,000 clients within a minute of virtual time',
  reference: null,
  rounds: 3,
  figures: [
    {
      key: 'seconds',
      title: '100,000 clients within a minute of virtual time',
      unit: 's',
      more: false,
      goal: { least: 10, aim: 5 },
    },
    { key: 'memory', title: 'memory for them', unit: 'GB', more: false, goal: { least: 1, aim: 0.5 } },
  ],
  variants: [
    eachRound('gate', [], (lab) => {
      const file = path.join(lab.newFolder('storm'), 'storm.yaml');
      writeFileSync(file, stringify(stormOf(lab.quick ? 500 : 100_000)));
      return timeCommand(lab, ['test', file]);
    }),
  ],
};
