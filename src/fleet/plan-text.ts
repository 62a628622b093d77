/** Describes a scenario in words: its fleet, and its steps. */

import { plural, seconds } from '../config/units.ts';
import type { Group } from './fleet-schema.ts';
import type { Scenario } from './scenario.ts';
import { partsOf } from './steps/registry.ts';

/** One line for each part of the fleet, then one for each step. */
export interface PlanText {
  readonly fleet: readonly string[];
  readonly steps: readonly string[];
}

/** Describes a scenario in words, for people who are about to play it. */
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
      const [handler, value] = partsOf(step);
      const text = handler.describe(value, versions);
      const move = handler.moves?.(value);
      if (move !== undefined && move.group !== null) versions.set(move.group, move.to);
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
