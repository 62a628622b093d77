/** `skewgate test`: plays scenarios, on virtual time or on real processes, and says what came of them. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { ConfigError, readText } from '../../config/load.ts';
import { compareDecisions, printDifferences } from '../../fleet/baseline.ts';
import type { FleetDriver } from '../../fleet/driver.ts';
import { describePlan } from '../../fleet/plan-text.ts';
import { scenarioJsonSchema } from '../../fleet/reference.ts';
import { htmlReport } from '../../fleet/report/html.ts';
import { type Finished, jsonReport } from '../../fleet/report/json.ts';
import { junitReport } from '../../fleet/report/junit.ts';
import { clock } from '../../fleet/report/sections.ts';
import { type Mode, summarise } from '../../fleet/report/summary.ts';
import { printReport } from '../../fleet/report/text.ts';
import { runScenario } from '../../fleet/run.ts';
import { parseScenario, type Scenario } from '../../fleet/scenario.ts';
import { Simulation } from '../../fleet/simulation.ts';
import { needsReal, needsVirtual } from '../../fleet/validate.ts';
import { paint, table } from '../print.ts';
import { UsageError, wholeNumber } from '../usage.ts';

interface Options {
  readonly schema?: true;
  readonly virtual?: true;
  readonly real?: true;
  readonly seed?: number;
  readonly log?: string;
  readonly report?: keyof typeof REPORTS;
  readonly out?: string;
  readonly baseline?: string;
}

/** A scenario that was read, and how it is to be played. */
interface Planned {
  readonly file: string;
  readonly scenario: Scenario;
  readonly mode: Mode;
}

const REPORTS = { junit: junitReport, json: jsonReport, html: htmlReport } as const;

/** Adds `skewgate test` to the program. */
export function addTest(program: Command): void {
  program
    .command('test')
    .description(
      'Run scenarios of mixed-version fleets and check their expectations. Exit status 0: all of them hold; 1: at least one does not; 2: a file is invalid, and none was run.',
    )
    .argument('[file...]', 'scenario files')
    .addOption(
      new Option('--virtual', 'run on virtual time (default for files without commands)').conflicts('real'),
    )
    .option('--real', 'run with real processes and sockets')
    .option('--schema', 'print the JSON Schema of scenario files, and run nothing')
    .option('--seed <n>', 'random seed (default: the one in the file)', wholeNumber)
    .option('--log <file>', 'write the decision log to this file, as NDJSON')
    .addOption(new Option('--report <format>', 'write a report in this format').choices(Object.keys(REPORTS)))
    .option('--out <file>', 'file that the report is written to (default: standard output)')
    .option('--baseline <file>', 'fail if decisions differ from those in this decision log of an earlier run')
    .action(test);
}

async function test(files: readonly string[], options: Options): Promise<void> {
  if (options.schema) return console.log(JSON.stringify(scenarioJsonSchema(), null, 2));
  if (files.length === 0) throw new UsageError("missing required argument 'file'");
  if (options.out !== undefined && options.report === undefined)
    throw new UsageError('--out needs a --report: junit, json or html');
  // All are read before any is played: a run that fails halfway for a misspelt key wastes time.
  const plans = await Promise.all(files.map((file) => plan(file, options)));
  const baseline = options.baseline === undefined ? null : (await readText(options.baseline)).split('\n');
  // Standard output is the report's, if it goes there.
  const say = options.report !== undefined && options.out === undefined ? console.error : console.log;
  const runs: Finished[] = [];
  for (const planned of plans) runs.push(await play(planned, say));
  const { log } = options;
  const asked = log !== undefined || baseline !== null;
  const lines = asked ? runs.flatMap(({ report }) => report.log()) : [];
  if (log !== undefined) await writeLines(log, lines);
  if (options.report !== undefined) {
    const text = REPORTS[options.report](runs);
    if (options.out === undefined) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    else {
      await writeFile(options.out, text);
      say(`${options.report} report written to ${options.out}`);
    }
  }
  const alike = baseline === null || decideAlike(baseline, lines, say);
  if (runs.length > 1) say(tally(runs));
  process.exitCode = alike && runs.every(({ summary }) => summary.passed) ? 0 : 1;
}

/** @throws {ConfigError} */
async function plan(file: string, { virtual, real, seed }: Options): Promise<Planned> {
  const parsed = parseScenario(await readText(file), file);
  const demands = { real: needsReal(parsed), virtual: needsVirtual(parsed) };
  const mode: Mode = real || demands.real.length > 0 ? 'real' : 'virtual';
  const refuse = (fields: readonly string[], message: string): never => {
    throw new ConfigError(
      file,
      fields.map((field) => ({ line: null, field, message })),
    );
  };
  if (virtual && demands.real.length > 0) refuse(demands.real, 'runs a program, which needs --real');
  if (mode === 'real' && demands.virtual.length > 0) refuse(demands.virtual, 'is for virtual time alone');
  return {
    file,
    scenario: seed === undefined ? parsed : { ...parsed, seed },
    mode,
  };
}

async function play({ file, scenario, mode }: Planned, say: (line: string) => void): Promise<Finished> {
  const { fleet, steps } = describePlan(scenario);
  const { name, about } = scenario;
  say(paint('bold', `${name} (${mode})`));
  if (about !== undefined) say(about.trim());
  say(`\n${paint('bold', 'Plan')}`);
  for (const line of fleet) say(`  ${line}`);
  for (const [at, line] of steps.entries()) say(`  ${String(at + 1).padStart(2)}. ${line}`);
  // On virtual time it is over in a moment: the timeline tells all of it, once.
  const live = mode === 'real';
  if (live) say(`\n${paint('bold', 'Run')}`);
  const folder = path.dirname(path.resolve(file));
  const report = await runScenario(scenario, await createFleet(scenario, mode, folder, say), {
    ...(live && { onStep: (what, at) => say(`  ${clock(at).padStart(8)}  ${what}`) }),
    folder,
  });
  const summary = summarise(report, mode);
  say(`\n${printReport(report, summary, { table, paint }, !live)}\n`);
  return { file, report, summary };
}

async function createFleet(
  scenario: Scenario,
  mode: Mode,
  folder: string,
  say: (line: string) => void,
): Promise<FleetDriver> {
  if (mode === 'virtual') return new Simulation(scenario);
  const { createRealFleet } = await import('../../fleet/real/real-fleet.ts');
  return createRealFleet(scenario, { folder, say });
}

async function writeLines(file: string, lines: readonly string[]): Promise<void> {
  const stream = createWriteStream(file);
  for (const line of lines) stream.write(line);
  stream.end();
  await finished(stream);
}

function tally(runs: readonly Finished[]): string {
  const failed = runs.filter(({ summary }) => !summary.passed);
  const names = failed.map(({ summary }) => summary.name).join(', ');
  return failed.length === 0
    ? paint('green', `${runs.length} scenarios passed`)
    : paint('red', `${failed.length} of ${runs.length} scenarios FAILED: ${names}`);
}

/** Whether these lines decide as those of the earlier run; says what differs. */
function decideAlike(
  before: readonly string[],
  after: readonly string[],
  say: (line: string) => void,
): boolean {
  const differences = compareDecisions(before, after);
  if (differences.length === 0) say(paint('green', 'decided as in the baseline'));
  else say(`${paint('red', 'decided otherwise than in the baseline:')}\n${printDifferences(differences)}`);
  return differences.length === 0;
}
