/** The fleet that random plans are made for: a scenario file whose steps and expectations may be absent. */
import { parseYaml } from '../../config/load.ts';
import { type Scenario, scenarioSchema } from '../scenario.ts';
import { partsOf, type Step } from '../steps/registry.ts';
import { needsReal, validateFleet } from '../validate.ts';

/** What random plans take from a file. */
export const fleetSchema = scenarioSchema.partial({ name: true, steps: true });

const wholeSchema = fleetSchema.superRefine((fleet, context) => {
  const programs = needsReal({ ...fleet, name: '', steps: [] }).map((field) => ({
    path: field.split('.'),
    message: 'runs a program, which random plans can not',
  }));
  for (const { path, message } of [...validateFleet(fleet), ...programs])
    context.addIssue({ code: 'custom', path: [...path], message });
});

/** A scenario without steps. */
export interface FleetSpec extends Omit<Scenario, 'steps' | 'expect'> {
  /** That the steps of its file name: servers and clients are moved to these as well. */
  readonly versions?: readonly string[];
}

/** The scenario that a plan for this fleet is. */
export function scenarioOf({ versions: _versions, ...stated }: FleetSpec, steps: readonly Step[]): Scenario {
  return { ...stated, steps: [...steps] };
}

/** @throws {ConfigError} with line and field. */
export function parseFleet(text: string, file = 'fleet'): FleetSpec {
  const { steps = [], expect: _expect, name = file, ...fleet } = parseYaml(text, file, wholeSchema);
  const versions = steps.flatMap((step) => {
    const [handler, value] = partsOf(step);
    return handler.moves?.(value).to ?? [];
  });
  return { name, ...fleet, versions };
}

/**
 * Three servers whose tables are one level behind, four client groups, two gates. Times are short, and in about
 * the proportion of the defaults, so that a plan passes many of them: an upgrade outlasts a lease.
 */
export const DEFAULT_FLEET = `gates: 2
servers: { count: 3, version: 4.14.2, tables: 4.13.0, upgradeTime: 4s }
clients:
  - { name: oldest, version: 4.12.1, count: 2, over: 1s, stay: 4s, again: 3s }
  - { name: older, version: 4.13.1, count: 2 }
  - { name: current, version: 4.14.0, count: 2 }
  - { name: newest, version: 4.15.0, count: 2, over: 500ms, again: 5s }
migration: { lease: 3s, retry: { backOff: 2s }, hold: { deadline: 10s }, grace: 10s }
timeouts: { handshake: 3s, hold: 5s, dial: 500ms, probe: 1s, fresh: 500ms, drain: 2s }
`;
