/** `skewgate explore`: random plans for a fleet on virtual time, until an invariant breaks. */
import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { readText } from '../../config/load.ts';
import { plural, seconds } from '../../config/units.ts';
import type { ExploreResult, FailedPlan } from '../../fleet/explore/explore.ts';
import { describePlan } from '../../fleet/plan-text.ts';
import { LiveLine } from '../live.ts';
import { paint } from '../print.ts';
import { wholeNumber } from '../usage.ts';

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly maxSteps: number;
  readonly out: string;
  readonly json?: true;
}

export function addExplore(program: Command): void {
  program
    .command('explore')
    .description(
      'Try random plans on a fleet, on virtual time: rolling upgrades, arrivals, crashes, pauses, cuts, downgrades, operator verbs. Stops at the first plan in which something does not hold that always must, shrinks it, and writes it as a scenario. Status 0: all held; 1: a plan failed; 2: the file is wrong.',
    )
    .argument(
      '[fleet]',
      'a scenario file; of its steps, if any, only the versions are used (default: a fleet of its own)',
    )
    .option('--runs <n>', 'plans', atLeastOne, 1_000)
    .option('--seed <n>', 'of everything that is random', wholeNumber, 1)
    .option('--max-steps <n>', 'of one plan', atLeastOne, 24)
    .option('--out <file>', 'where the plan that failed is written', 'explored.yaml')
    .option('--json', 'print one JSON object')
    .action(run);
}

function atLeastOne(text: string): number {
  const count = wholeNumber(text);
  if (count === 0) throw new InvalidArgumentError('It is at least 1.');
  return count;
}

async function run(file: string | undefined, options: Options): Promise<void> {
  // fast-check takes longer to load than most commands run.
  const { explore } = await import('../../fleet/explore/explore.ts');
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
  if (found !== null) {
    await writeFile(options.out, writeScenario(text, found));
    process.exitCode = 1;
  }
  if (options.json) console.log(JSON.stringify(asJson(explored, options)));
  else report(explored, options);
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

function report({ plans, covered, log, found }: ExploreResult, { out, seed }: Options): void {
  const { pairs, interleaved } = covered;
  console.log(
    [
      `${plural(plans, 'plan')}, ${plural(covered.steps, 'step')} (${covered.skipped} skipped: nothing to act on), ${seconds(covered.time)} of virtual time`,
      `${plural(covered.decisions, 'decision')}, ${plural(covered.upgrades, 'upgrade')}; decision log ${log}`,
      `pairs of versions that met: ${pairs.met} of ${pairs.of}${pairs.missing.length > 0 ? `; not ${pairs.missing.join(', ')}` : ''}`,
      `steps while an upgrade ran: ${interleaved.steps}, of ${plural(interleaved.kinds.length, 'kind')}${interleaved.kinds.length > 0 ? ` (${interleaved.kinds.join(', ')})` : ''}`,
    ].join('\n'),
  );
  if (found === null) console.log(paint('green', `Everything held (seed ${seed}).`));
  else reportFailure(found, out);
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

function asJson({ seed, plans, covered, log, found }: ExploreResult, { out }: Options) {
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
