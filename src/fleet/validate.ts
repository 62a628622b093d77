/** Checks of a scenario that a schema can't express, such as references to servers that do not exist. */
import { expectationProblems } from './expectations.ts';
import type { FleetSettings } from './fleet-schema.ts';
import { LATENCY, namesOf } from './names.ts';
import type { Scenario } from './scenario.ts';
import { partsOf, verbOf } from './steps/registry.ts';
import type { ScenarioNames, ScenarioProblem } from './steps/step.ts';

/** Everything that is wrong with a scenario although its schema accepts it, in the order of the file. */
export function validateScenario(scenario: Scenario): ScenarioProblem[] {
  const names = { ...namesOf(scenario), clientVersions: clientVersionsOf(scenario) };
  return [
    ...validateFleet(scenario),
    ...scenario.steps.flatMap((step, at) => under(['steps', at, verbOf(step)], stepProblems(step, names))),
    ...under(['expect'], expectationProblems(scenario.expect, names.clientVersions)),
  ];
}

/** What is wrong with the description of the fleet, regardless of the steps. */
export function validateFleet(fleet: FleetSettings): ScenarioProblem[] {
  const ranges: ScenarioProblem = {
    path: ['policy', 'preset'],
    message: 'goes by protocol versions, which a scenario can not state',
  };
  return [...groupProblems(fleet), ...(fleet.policy.preset === 'ranges' ? [ranges] : [])];
}

function groupProblems(fleet: FleetSettings): ScenarioProblem[] {
  const { groups, servers, gates } = namesOf(fleet);
  return groups.flatMap((name, at) => {
    const path = ['clients', at, 'name'];
    if (groups.indexOf(name) < at) return [{ path, message: `a second group ${JSON.stringify(name)}` }];
    if ([...servers, ...gates].includes(name)) return [{ path, message: `${name} is a name of this fleet` }];
    return [];
  });
}

function stepProblems(step: Scenario['steps'][number], names: ScenarioNames): ScenarioProblem[] {
  const [handler, value] = partsOf(step);
  return handler.problems?.(value, names) ?? [];
}

function clientVersionsOf({ clients, steps }: Scenario): ReadonlySet<string> {
  const later = steps.flatMap((step) => {
    const [handler, value] = partsOf(step);
    const move = handler.moves?.(value);
    return move === undefined || move.group === null ? [] : [move.to];
  });
  return new Set([...clients.map(({ version }) => version), ...later]);
}

function under(base: ScenarioProblem['path'], problems: readonly ScenarioProblem[]): ScenarioProblem[] {
  return problems.map(({ path, message }) => ({ path: [...base, ...path], message }));
}

/** Fields that only a fleet of real processes supports. */
export function needsReal(scenario: Scenario): string[] {
  const { migration, catalogue, servers, clients } = scenario;
  const hooks = {
    'migration.hook': 'server' in migration.hook ? undefined : migration.hook,
    'migration.check': migration.check,
    'migration.snapshot': migration.snapshot,
    'migration.restore': migration.restore,
    ...Object.fromEntries(
      Object.entries(migration.hooks).map(([version, hook]) => [`migration.hooks.${version}`, hook]),
    ),
  };
  return [
    ...(servers.command === undefined ? [] : ['servers.command']),
    ...clients.flatMap(({ command }, at) => (command === undefined ? [] : [`clients[${at}].command`])),
    ...Object.entries(hooks).flatMap(([field, hook]) => (hook === undefined ? [] : [field])),
    ...(catalogue?.releases ?? []).flatMap(({ major }, at) =>
      major?.script === undefined ? [] : [`catalogue.releases[${at}].major.script`],
    ),
    ...stepsThatNeed('real', scenario),
  ];
}

/** Fields that only a fleet on virtual time supports. */
export function needsVirtual(scenario: Scenario): string[] {
  const { fault, network, expect } = scenario;
  return [
    ...(fault === undefined ? [] : ['fault']),
    ...(network.loss > 0 ? ['network.loss'] : []),
    ...(network.latency !== LATENCY ? ['network.latency'] : []),
    ...stepsThatNeed('virtual', scenario),
    ...(expect?.invariants === undefined ? [] : ['expect.invariants']),
  ];
}

function stepsThatNeed(kind: 'real' | 'virtual', scenario: Scenario): string[] {
  return scenario.steps.flatMap((step, at) => {
    const [handler, value] = partsOf(step);
    return handler.needs?.(value, scenario) === kind ? [`steps[${at}].${verbOf(step)}`] : [];
  });
}
