/** Where commands about a fleet get it from: the decision logs of its gates. */
import type { Command } from 'commander';
import { hashPolicy } from '../config/policy.ts';
import type { FleetFacts } from '../planning/facts.ts';
import { LogFleet } from './log/fleet.ts';
import { openLogs, sayOthers } from './log/open.ts';
import { mergeByTime } from './log/sources.ts';
import { policyFrom } from './policy-options.ts';
import { collect } from './usage.ts';

/** The options that say which fleet is meant. */
export interface FleetOptions {
  readonly config?: string;
  readonly log?: string[];
}

/** Adds them to a command. */
export function addFleetOptions(command: Command): Command {
  return command
    .requiredOption(
      '--log <file>',
      'the decision log of a gate; repeat for each gate; the fleet is taken as it was at the last record',
      collect,
    )
    .option('--config <file>', 'take policy and catalogue from this file (default: the preset phoenix)');
}

/** The fleet at the last record of some logs. @throws {UsageError} @throws {ConfigError} */
export async function readFleet({ log = [], config }: FleetOptions): Promise<FleetFacts> {
  const policy = await policyFrom(config === undefined ? {} : { config });
  const sources = await openLogs(log, false);
  const fleet = new LogFleet();
  for await (const entry of mergeByTime(sources.map((source) => source.entries()))) fleet.add(entry);
  for (const { tail } of sources) await tail?.close();
  sayOthers(sources);
  return fleet.facts(policy, hashPolicy(policy));
}
