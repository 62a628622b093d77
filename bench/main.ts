/** `npm run bench`: measures the gate beside its peers on this machine, and prints tables. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import { systemCalls } from './calls.ts';
import type { Measured } from './experiment.ts';
import { EXPERIMENTS } from './experiments/all.ts';
import { Lab } from './lab.ts';
import { jsonOf, markdownOf, wrap } from './markdown.ts';
import { writePage } from './page.ts';
import { drawCharts } from './pictures/chart.ts';
import { CONNECTIONS } from './pictures/connections.ts';
import { FLEETS } from './pictures/fleets.ts';
import type { Picture } from './pictures/picture.ts';
import { SERVERS } from './pictures/servers.ts';
import { profileHandshakes } from './profile.ts';
import { runExperiment } from './run.ts';
import { runSoak } from './soak/soak.ts';

const PICTURES: readonly Picture[] = [CONNECTIONS, SERVERS, FLEETS];

const say = (line: string) => console.error(line);

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === null) return help();
  if (wanted.names[0] === 'soak') return soak(wanted);
  if (wanted.names[0] === 'profile') return profile(wanted);
  const { names, rounds, quick, json, write, out } = wanted;
  const experiments = choose(EXPERIMENTS, names);
  const pictures = choose(PICTURES, names);
  const unknown = names.find((name) => choose([...EXPERIMENTS, ...PICTURES], [name]).length === 0);
  if (unknown !== undefined) throw new Error(`nothing is called ${unknown}`);
  await using lab = await Lab.create({ quick });
  // What was started ends with the bench, however that ends.
  const leave = () => void lab[Symbol.asyncDispose]().finally(() => process.exit(1));
  onSignal(leave);
  process.once('uncaughtException', (error) => {
    say(String(error));
    leave();
  });
  const measured: Measured[] = [];
  for (const experiment of experiments) {
    say(`${experiment.name}: ${experiment.title}`);
    measured.push(await runExperiment(experiment, lab, rounds, say));
  }
  const drawn = await draw(pictures, lab);
  const machine = machineOf(rounds);
  const tables = [wrap(sentenceOf(machine)), markdownOf(measured)].join('\n\n');
  console.log(tables);
  if (json !== null) writeFileSync(json, `${JSON.stringify(jsonOf(measured, machine), null, 2)}\n`);
  if (write) writePage(tables, drawn);
  else save(drawn, out);
}

/** Those with one of the names, or one that begins so; without names all. */
function choose<T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): T[] {
  return all.filter(({ name }) => names.length === 0 || names.some((wanted) => name.startsWith(wanted)));
}

/** SVG by name. A picture that can't be drawn is left out. */
async function draw(pictures: readonly Picture[], lab: Lab): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  for (const picture of pictures) {
    say(`picture: ${picture.name}`);
    const lack = picture.missing();
    try {
      if (lack !== null) throw new Error(lack);
      drawn.set(picture.name, drawCharts(await picture.draw(lab)));
    } catch (error) {
      say(`  left out: ${(error as Error).message}`);
    }
  }
  return drawn;
}

function save(drawn: ReadonlyMap<string, string>, folder: string): void {
  if (drawn.size > 0) mkdirSync(folder, { recursive: true });
  for (const [name, svg] of drawn) writeFileSync(path.join(folder, `${name}.svg`), svg);
}

/** Stopped early, it still gives its verdict. */
async function soak({ minutes, out }: Arguments): Promise<void> {
  await using lab = await Lab.create({ quick: false });
  const stopped = new AbortController();
  onSignal(() => stopped.abort());
  const passed = await runSoak(lab, { minutes, folder: out, say: console.log, stop: stopped.signal });
  if (!passed) process.exitCode = 1;
}

async function profile({ out }: Arguments): Promise<void> {
  await using lab = await Lab.create({ quick: false });
  onSignal(() => void lab[Symbol.asyncDispose]().finally(() => process.exit(1)));
  console.log(await profileHandshakes(lab, path.resolve(out)));
  console.log(`\n${await systemCalls(lab)}`);
}

function onSignal(act: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, act);
}

function help(): void {
  console.log(`${USAGE}\n`);
  for (const { name, title } of EXPERIMENTS) console.log(`  ${name.padEnd(20)} ${title}`);
  for (const { name } of PICTURES) console.log(`  ${name.padEnd(20)} a picture`);
}

const machineOf = (rounds: number) => ({
  cores: os.cpus().length,
  processor: os.cpus()[0]?.model ?? 'unknown',
  node: process.version,
  kernel: os.release().split('-')[0] as string,
  rounds,
});

function sentenceOf({ cores, processor, node, kernel, rounds }: ReturnType<typeof machineOf>): string {
  return `${cores} cores (${processor}), Linux ${kernel}, Node.js ${node.slice(1)}; medians of ${rounds} rounds, in brackets the lowest and the highest.`;
}

try {
  await main();
} catch (error) {
  say(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 1;
}
