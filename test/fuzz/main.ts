/** `npm run fuzz`: runs every target for its share of the time, and tells what was found. See USAGE. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Finding } from './fuzz.ts';
import { runTarget } from './run-target.ts';
import { TARGETS } from './targets/registry.ts';

const USAGE = `npm run fuzz [-- --minutes N] [--target NAME]… [--seed S] [--out FOLDER]
npm run fuzz -- --target NAME --input FILE

  --minutes  how long, all targets together; default: 60
  --inputs   ends a target after so many inputs, if its time is not over before
  --target   ${Object.keys(TARGETS).join(', ')}; default: all
  --seed     the same seed makes the same inputs in the same order; default: 1
  --out      where inputs that found something are written; default: fuzz-findings
  --input    runs one such file`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    inputs: { type: 'string', default: 'Infinity' },
    target: { type: 'string', multiple: true, default: Object.keys(TARGETS) },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'fuzz-findings' },
    input: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const [minutes, inputs, seed] = [values.minutes, values.inputs, values.seed].map(Number) as [
  number,
  number,
  number,
];
const unknown = values.target.filter((name) => TARGETS[name] === undefined);
if (values.help || unknown.length > 0 || !(minutes > 0) || !(inputs > 0) || !Number.isInteger(seed)) {
  console.log(unknown.length > 0 ? `no target ${unknown.join(', ')}\n${USAGE}` : USAGE);
  process.exit(values.help ? 0 : 2);
}
process.exitCode = values.input === undefined ? await runAll() : await runOne(values.input);

async function runAll(): Promise<number> {
  let found = 0;
  for (const target of values.target) {
    const ms = (minutes * 60_000) / values.target.length;
    const { inputs: ran, blocks, corpus, findings } = await runTarget({ target, seed, ms, inputs });
    console.log(
      `${target}: ${ran} inputs, ${blocks} blocks reached, corpus ${corpus}, ${findings.length} findings`,
    );
    for (const [at, finding] of findings.entries()) tell(target, finding, at);
    found += findings.length;
  }
  return found === 0 ? 0 : 1;
}

function tell(target: string, { error, input }: Finding, at: number): void {
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, `${target}-${seed}-${at + 1}`);
  writeFileSync(file, input);
  console.log(`  ${error.replaceAll('\n', '\n  ')}\n  npm run fuzz -- --target ${target} --input ${file}`);
}

/** The error as it is, with its stack, ends the process. */
async function runOne(file: string): Promise<number> {
  for (const name of values.target) {
    const target = await TARGETS[name]?.();
    await target?.run(readFileSync(file));
    await target?.close?.();
    console.log(`${name}: found nothing`);
  }
  return 0;
}
