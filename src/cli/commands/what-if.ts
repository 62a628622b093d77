/** `skewgate what-if`: whom a change of servers or of the policy would refuse. */
import type { Command } from 'commander';
import { readText } from '../../config/load.ts';
import { policyOf } from '../../config/policy.ts';
import type { WhatIf } from '../../planning/answers.ts';
import { type Supposition, SuppositionError, whatIf } from '../../planning/what-if.ts';
import { adminClient } from '../admin-client.ts';
import { addFleetOptions, type FleetOptions, readFleet } from '../fleet-source.ts';
import { describeWhatIf } from '../planning-text.ts';
import { offlineConfig } from '../policy-options.ts';
import { printableJson } from '../printable.ts';
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
  const { servers, server = [], policy } = options;
  if (servers === undefined && server.length === 0 && policy === undefined)
    throw new UsageError('state --servers, --server or --policy');
  const stated = { servers, server: Object.fromEntries(server.map(assignment)), policy };
  const answer = options.log === undefined ? await askGate(options, stated) : await askLog(options, stated);
  console.log(json ? printableJson(answer) : describeWhatIf(answer));
  process.exitCode = answer.refused.length === 0 ? 0 : 1;
}

/** What the command line supposes; `policy` is a file. */
type Stated = Omit<Supposition, 'policy'> & { readonly policy: string | undefined };

async function askGate(from: FleetOptions, { policy, ...stated }: Stated): Promise<WhatIf> {
  const text = policy === undefined ? {} : { policy: await readText(policy) };
  if (policy !== undefined) await offlineConfig({ config: policy });
  const client = await adminClient(from);
  return client.post<WhatIf>('/v1/what-if', { ...stated, ...text });
}

async function askLog(from: FleetOptions, { policy, ...stated }: Stated): Promise<WhatIf> {
  const config = policy === undefined ? null : await offlineConfig({ config: policy });
  const facts = await readFleet(from);
  try {
    return whatIf(facts, { ...stated, policy: config === null ? undefined : policyOf(config) });
  } catch (error) {
    throw error instanceof SuppositionError ? new UsageError(error.message) : error;
  }
}

function assignment(text: string): [id: string, version: string] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new UsageError(`--server ${text}: not of the form rs2=4.16.0`);
  return [text.slice(0, at), text.slice(at + 1)];
}
