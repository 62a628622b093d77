/** `skewgate plan`: the steps of an upgrade, offline. */
import type { Command } from 'commander';
import { parseYaml, readText } from '../../config/load.ts';
import { policyOf } from '../../config/policy.ts';
import { configSchema } from '../../config/schema.ts';
import { PlanError, planUpgrade } from '../../policy/plan.ts';
import { levelOf } from '../../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../version/phoenix.ts';
import { parseVersion } from '../../version/version.ts';
import { table } from '../print.ts';
import { printableJson } from '../printable.ts';
import { UsageError } from '../usage.ts';

interface Options {
  readonly from: string;
  readonly to: string;
  readonly config?: string;
  readonly json?: true;
}

/** Offline, a file need say nothing but `catalogue` and `migration.hooks`. */
const planFile = configSchema.partial({ listen: true, servers: true });

/** Defines `plan`. */
export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('Print the steps that upgrade the system tables from one release to another.')
    .requiredOption('--from <version>', 'release that last wrote the system tables')
    .requiredOption('--to <version>', 'release to upgrade to, that of the client')
    .option('--config <file>', 'take catalogue and hooks from this file')
    .option('--json', 'print one JSON object')
    .action(plan);
}

async function plan(options: Options): Promise<void> {
  const from = parseVersion(options.from);
  const to = parseVersion(options.to);
  const { catalogue, hooked } = await surroundings(options.config);
  try {
    const planned = planUpgrade({
      catalogue,
      from: { level: levelOf(catalogue, from), release: from },
      to,
      hooked,
    });
    if (options.json) return console.log(printableJson(planned));
    if (planned.steps.length === 0)
      return console.log(
        `Nothing to do: ${options.to} needs level ${levelOf(catalogue, to)}, and ${options.from} left ${levelOf(catalogue, from)}.`,
      );
    const rows = planned.steps.map((step, at) => [
      String(at + 1),
      step.from ?? '?',
      step.to,
      `level ${step.fromLevel} to ${step.level}`,
    ]);
    console.log(table([['step', 'from', 'to', 'tables'], ...rows]));
    if (planned.downtime)
      console.log('\nIt needs downtime: sessions are drained first, and clients refused until it is done.');
  } catch (error) {
    if (error instanceof PlanError) throw new UsageError(error.message);
    throw error;
  }
}

async function surroundings(file: string | undefined) {
  if (file === undefined) return { catalogue: PHOENIX_CATALOGUE, hooked: [] };
  const config = parseYaml(await readText(file), file, planFile);
  const policy = policyOf(config);
  return {
    catalogue: policy.kind === 'skew' ? policy.catalogue : PHOENIX_CATALOGUE,
    hooked: Object.keys(config.migration.hooks).map(parseVersion),
  };
}
