/** A scenario in words: what is there, and what will be done. */

import { plural, seconds } from '../config/units.ts';
import { compareVersions, parseVersion } from '../version/version.ts';
import type { Group, Scenario, Step } from './scenario.ts';

/** One line for each part of the fleet, then one for each step. */
export interface PlanText {
  readonly fleet: readonly string[];
  readonly steps: readonly string[];
}

export function describePlan(scenario: Scenario): PlanText {
  const { servers, gates, clients, steps } = scenario;
  const { count, version, tables, command } = servers;
  const versions = new Map(clients.map((group) => [group.name, group.version]));
  return {
    fleet: [
      [
        `${plural(count, 'server')} on ${version}`,
        tables === undefined ? 'no system tables' : `system tables as ${tables} left them`,
        ...(command === undefined ? [] : [`each ${command.join(' ')}`]),
      ].join(', '),
      plural(gates, 'gate'),
      ...clients.map(describeGroup),
    ],
    steps: steps.map((step) => {
      const text = describeStep(step, versions);
      if (step.change) versions.set(step.change.group, step.change.to);
      return text;
    }),
  };
}

function describeGroup({
  name,
  count,
  version,
  over,
  arrival,
  stay,
  again,
  upgrade,
  command,
}: Group): string {
  const how = [
    command !== undefined && `each ${command.join(' ')}`,
    over > 0 && `over ${seconds(over)}${arrival === undefined ? '' : ` (${arrival})`}`,
    stay !== undefined && `for ${seconds(stay)} each`,
    again !== undefined && `again after ${seconds(again)}`,
    upgrade === 'must-not' && 'may not bring an upgrade',
  ].filter(Boolean);
  return `${name}: ${plural(count, 'client')} on ${version}${how.length > 0 ? `, ${how.join(', ')}` : ''}`;
}

/** @param versions of the client groups at that time, where known. */
export function describeStep(step: Step, versions: ReadonlyMap<string, string> = new Map()): string {
  const on = (group: string) =>
    versions.has(group) ? `clients ${group} (${versions.get(group)})` : `clients ${group}`;
  if (step.connect !== undefined) return `${on(step.connect)} connect`;
  if (step.arrive !== undefined) return `${on(step.arrive)} begin to arrive`;
  if (step.disconnect !== undefined) return `${on(step.disconnect)} disconnect`;
  if (step.change)
    return `${directionOf(step.change, versions)} ${on(step.change.group)} to ${step.change.to}`;
  if (step.roll) return describeRoll(step.roll);
  if (step.cut) return `cut the link between ${step.cut.join(' and ')}`;
  if (step.heal) return `heal the link between ${step.heal.join(' and ')}`;
  if (step.wait !== undefined) return `wait ${seconds(step.wait)}`;
  if (step.run) return `run ${step.run.command.join(' ')}`;
  if (step.operator !== undefined) return `operator: ${step.operator}`;
  if (step.expect) return `check ${Object.keys(step.expect).join(', ')}`;
  const [verb, name] = Object.entries(step).find(([, value]) => value !== undefined) as [string, string];
  return `${verb} ${name}`;
}

function describeRoll({ to, servers, batch, pause, health }: NonNullable<Step['roll']>): string {
  const what = servers === undefined ? 'the servers' : servers.join(', ');
  const check = health === undefined ? '' : `, each seen up within ${seconds(health)}`;
  return `roll ${what} to ${to}, ${batch} at a time${check}, ${seconds(pause)} in between`;
}

function directionOf(
  { group, to }: NonNullable<Step['change']>,
  versions: ReadonlyMap<string, string>,
): string {
  const from = versions.get(group);
  return from !== undefined && compareVersions(parseVersion(to), parseVersion(from)) < 0
    ? 'downgrade'
    : 'upgrade';
}
