/** `npm run bench`: measures the gate beside its peers on this machine, and prints tables. */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import type { Experiment, Measured } from './experiment.ts';
import { EXPERIMENTS } from './experiments/all.ts';
import { Lab } from './lab.ts';
import { jsonOf, markdownOf } from './markdown.ts';
import { runExperiment } from './run.ts';
import { runSoak } from './soak/soak.ts';

const say = (line: string) => console.error(line);

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === null) return help();
  if (wanted.names[0] === 'soak') return soak(wanted);
  const { names, rounds, quick, json } = wanted;
  const chosen = choose(names);
  await using lab = await Lab.create({ quick });
  // What was started ends with the bench, however that ends.
  onSignal(() => void lab[Symbol.asyncDispose]().finally(() => process.exit(1)));
  const measured: Measured[] = [];
  for (const experiment of chosen) {
    say(`${experiment.name}: ${experiment.title}`);
    measured.push(await runExperiment(experiment, lab, rounds, say));
  }
  console.log(markdownOf(measured));
  if (json !== null) writeFileSync(json, `${JSON.stringify(jsonOf(measured, machine(rounds)), null, 2)}\n`);
}

/** Stopped early, it still gives its verdict. */
async function soak({ minutes, out }: Arguments): Promise<void> {
  await using lab = await Lab.create({ quick: false });
  const stopped = new AbortController();
  onSignal(() => stopped.abort());
  const passed = await runSoak(lab, { minutes, folder: out, say: console.log, stop: stopped.signal });
  if (!passed) process.exitCode = 1;
}

function onSignal(act: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, act);
}

function help(): void {
  console.log(`${USAGE}\n`);
  for (const { name, title } of EXPERIMENTS) console.log(`  ${name.padEnd(20)} ${title}`);
}

/** @throws {Error} if no experiment has the name */
function choose(names: readonly string[]): readonly Experiment[] {
  if (names.length === 0) return EXPERIMENTS;
  const chosen = EXPERIMENTS.filter(({ name }) => names.some((wanted) => name.startsWith(wanted)));
  const unknown = names.find((wanted) => !EXPERIMENTS.some(({ name }) => name.startsWith(wanted)));
  if (unknown === undefined) return chosen;
  throw new Error(`no experiment is called ${unknown}: ${EXPERIMENTS.map(({ name }) => name).join(', ')}`);
}

function machine(rounds: number): object {
  return {
    cores: os.cpus().length,
    processor: os.cpus()[0]?.model ?? 'unknown',
    node: process.version,
    kernel: os.release(),
    rounds,
  };
}

try {
  await main();
} catch (error) {
  say(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 1;
}
