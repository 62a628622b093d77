/** `skewgate what-if`: whom a change of servers or of the policy would refuse. */
import type { Command } from 'commander';
import { policyOf } from '../../config/policy.ts';
import { type Supposition, SuppositionError, whatIf } from '../../planning/what-if.ts';
import { addFleetOptions, type FleetOptions, readFleet } from '../fleet-source.ts';
import { describeWhatIf } from '../planning-text.ts';
import { offlineConfig } from '../policy-options.ts';
import { collect, UsageError } from '../usage.ts';

interface Options extends FleetOptions {
  readonly servers?: string;
  readonly server?: string[];
  readonly policy?: string;
  readonly json?: true;
}

/** Defines `what-if`. */
export function addWhatIf(program: Command): void {
  const command = program
    .command('what-if')
    .description(
      'Show which open sessions, and which clients of the last hour, would be refused if servers or the policy were others. Exit status 0: nobody; 1: somebody; 2: wrong usage.',
    )
    .option('--servers <version>', 'what every server runs')
    .option('--server <id=version>', 'what one server runs; repeat for each of them', collect)
    .option('--policy <file>', 'judge by the policy and the catalogue of this file')
    .option('--json', 'print one JSON object');
  addFleetOptions(command).action(ask);
}

async function ask({ json, ...options }: Options): Promise<void> {
  const supposition = await suppositionOf(options);
  try {
    const answer = whatIf(await readFleet(options), supposition);
    console.log(json ? JSON.stringify(answer) : describeWhatIf(answer));
    process.exitCode = answer.refused.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof SuppositionError) throw new UsageError(error.message);
    throw error;
  }
}

async function suppositionOf({ servers, server = [], policy }: Options): Promise<Supposition> {
  if (servers === undefined && server.length === 0 && policy === undefined)
    throw new UsageError('state --servers, --server or --policy');
  const config = policy === undefined ? null : await offlineConfig({ config: policy });
  return {
    servers,
    server: Object.fromEntries(server.map(assignment)),
    policy: config === null ? undefined : policyOf(config),
  };
}

function assignment(text: string): [id: string, version: string] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new UsageError(`--server ${text}: not of the form rs2=4.16.0`);
  return [text.slice(0, at), text.slice(at + 1)];
}
