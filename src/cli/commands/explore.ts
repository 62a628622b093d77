/** `skewgate explore`: random plans for a fleet on virtual time, until an invariant breaks. */
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readText } from '../../config/load.ts';
import { plural, seconds } from '../../config/units.ts';
import type { ExploreResult, FailedPlan } from '../../fleet/explore/explore.ts';
import { describePlan } from '../../fleet/plan-text.ts';
import { LiveLine } from '../live.ts';
import { paint, table } from '../print.ts';
import { printableJson } from '../printable.ts';
import { UsageError, wholeNumber } from '../usage.ts';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly maxSteps: number;
  readonly jobs: number;
  readonly out?: string;
  readonly json?: true;
  readonly list?: true;
  readonly schema?: true;
}

/** Adds `skewgate explore` to the program. */
export function addExplore(program: Command): void {
  program
    .command('explore')
    .description(
      'Run random plans against a fleet on virtual time: rolling upgrades, arrivals, crashes, pauses, network partitions, downgrades, operator commands. Stops at the first plan that violates an invariant, shrinks it, and writes it as a scenario. Exit status 0: every invariant held; 1: a plan failed; 2: the file is invalid.',
    )
    .argument(
      '[fleet]',
      'scenario file; of its steps, only the versions are used (default: a built-in fleet)',
    )
    .option('--runs <n>', 'number of plans to run', atLeastOne, 1_000)
    .option('--seed <n>', 'random seed', wholeNumber, 1)
    .option('--max-steps <n>', 'longest plan, in steps', atLeastOne, 24)
    .addOption(
      new Option('--jobs <n>', 'number of plans to run at once, which changes nothing in the result')
        .argParser(atLeastOne)
        .default(availableParallelism(), 'the CPU cores available'),
    )
    .option(
      '--out <file>',
      'file that a failed plan is written to (default: explored.yaml, or the next free name)',
    )
    .option('--list', 'print the invariants, and run nothing')
    .option('--schema', 'print the JSON Schema of fleets, and run nothing')
    .option('--json', 'print JSON: one object, or with --list a list')
    .action(run);
}

function atLeastOne(text: string): number {
  const count = wholeNumber(text);
  if (count === 0) throw new InvalidArgumentError('Expected at least 1.');
  return count;
}

async function run(file: string | undefined, options: Options): Promise<void> {
  if (options.list) return list(options);
  if (options.schema) return schema();
  const { explore } = await loadExplore();
  const { DEFAULT_FLEET, parseFleet } = await import('../../fleet/explore/fleet-spec.ts');
  const { writeScenario } = await import('../../fleet/explore/write-scenario.ts');
  const text = file === undefined ? DEFAULT_FLEET : await readText(file);
  const fleet = parseFleet(text, file ?? 'the default fleet');
  if (!options.json) announce(fleet.name, options);
  const live = new LiveLine(process.stderr);
  const explored = await explore(fleet, {
    ...options,
    onPlan: options.json ? () => {} : progressOf(options, live),
  });
  live.end();
  const { found } = explored;
  const out = found === null ? null : await write(writeScenario(text, found), options);
  if (found !== null) process.exitCode = 1;
  if (options.json) console.log(JSON.stringify(asJson(explored, out)));
  else report(explored, out);
}

/** Resolves to the file. Without `--out` no file is overwritten: the first of explored.yaml, explored-2.yaml, … is made. */
async function write(text: string, { out }: Options): Promise<string> {
  if (out !== undefined) {
    await writeFile(out, text);
    return out;
  }
  for (let at = 1; ; at++) {
    const file = at === 1 ? 'explored.yaml' : `explored-${at}.yaml`;
    try {
      await writeFile(file, text, { flag: 'wx' });
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** fast-check is an optional peer of this package, and takes longer to load than most commands run. */
async function loadExplore() {
  try {
    createRequire(import.meta.url).resolve('fast-check');
  } catch {
    throw new UsageError('explore needs fast-check, which is not installed: npm install fast-check');
  }
  return import('../../fleet/explore/explore.ts');
}

/** What always must hold: ids as reports name them, a sentence each. */
async function list({ json }: Options): Promise<void> {
  const { INVARIANTS } = await import('../../fleet/invariants.ts');
  const rows = INVARIANTS.map(({ id, sentence }) => ({ id, sentence }));
  console.log(json ? printableJson(rows) : table(rows.map(({ id, sentence }) => [id, sentence])));
}

async function schema(): Promise<void> {
  const { fleetJsonSchema } = await import('../../fleet/reference.ts');
  console.log(JSON.stringify(fleetJsonSchema(), null, 2));
}

function announce(name: string, { runs, seed, maxSteps }: Options): void {
  console.log(`${name}: ${plural(runs, 'plan')} of up to ${plural(maxSteps, 'step')}, seed ${seed}`);
}

/** In a terminal alone: a log has no use for each plan. */
function progressOf({ runs }: Options, live: LiveLine) {
  return ({ plans, failing }: { plans: number; failing: number | null }) => {
    if (!process.stderr.isTTY) return;
    live.show(
      failing === null
        ? `plan ${plans} of ${runs}`
        : `plan ${plans} failed; down to ${plural(failing, 'step')}`,
    );
  };
}

function report({ seed, plans, covered, log, found }: ExploreResult, out: string | null): void {
  const { pairs, interleaved } = covered;
  console.log(
    [
      `${plural(plans, 'plan')}, ${plural(covered.steps, 'step')} (${covered.skipped} skipped: nothing to act on), ${seconds(covered.time)} of virtual time`,
      `${plural(covered.decisions, 'decision')}, ${plural(covered.upgrades, 'upgrade')} in ${plural(covered.upgradedPlans, 'plan')}; decision log ${log}`,
      `pairs of versions that met: ${pairs.met} of ${pairs.of}${pairs.missing.length > 0 ? `; not ${pairs.missing.join(', ')}` : ''}`,
      `steps while an upgrade ran: ${interleaved.steps}, of ${plural(interleaved.kinds.length, 'kind')}${interleaved.kinds.length > 0 ? ` (${interleaved.kinds.join(', ')})` : ''}`,
    ].join('\n'),
  );
  if (found !== null) return reportFailure(found, out as string);
  for (const what of covered.unreached) console.log(`${paint('yellow', 'not reached')}: ${what}`);
  const held = covered.unreached.length === 0 ? 'Everything held' : 'Everything that was reached held';
  console.log(paint('green', `${held} (seed ${seed}).`));
}

function reportFailure({ scenario, violations, plan, steps }: FailedPlan, out: string): void {
  const words = describePlan(scenario).steps;
  console.log(
    [
      '',
      paint('red', `Plan ${plan} failed: ${violations[0]?.invariant}`),
      ...violations.map(({ what }) => `  ${what}`),
      '',
      `Shrunk from ${plural(steps, 'step')} to ${words.length}:`,
      ...words.map((step, at) => `  ${at + 1}. ${step}`),
      '',
      `Written to ${out}; play it again: skewgate test ${out}`,
    ].join('\n'),
  );
}

function asJson({ seed, plans, covered, log, found }: ExploreResult, out: string | null) {
  return {
    seed,
    plans,
    covered,
    log,
    found: found && {
      plan: found.plan,
      stepsDrawn: found.steps,
      steps: describePlan(found.scenario).steps,
      violations: found.violations,
      file: out,
    },
  };
}
