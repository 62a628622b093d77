/** Where commands about a fleet get it from: a gate that runs, or the decision logs of gates. */
import { type Command, Option } from 'commander';
import { hashPolicy } from '../config/policy.ts';
import type { FleetFacts } from '../planning/facts.ts';
import { type AdminOptions, addAdminOptions } from './admin-client.ts';
import { LogFleet } from './log/fleet.ts';
import { openLogs, sayOthers } from './log/open.ts';
import { mergeByTime } from './log/sources.ts';
import { policyFrom } from './policy-options.ts';
import { collect } from './usage.ts';

/** The options that say which fleet is meant. */
export interface FleetOptions extends AdminOptions {
  readonly log?: string[];
}

/** Adds them to a command. */
export function addFleetOptions(command: Command): Command {
  return addAdminOptions(command).addOption(
    new Option(
      '--log <file>',
      'ask no gate, and take the fleet as it was at the last record of this decision log; repeat for each gate; the policy is that of --config, else the preset phoenix',
    )
      .argParser(collect)
      .conflicts('admin'),
  );
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
