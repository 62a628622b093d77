/**
 * Random plans for a fleet: steps drawn from everything a scenario can do to it. A step that finds nothing to
 * act on when its turn comes is skipped, and the fleet says so; no plan is drawn again for it.
 */
import fc from 'fast-check';
import { compareVersions, parseVersion } from '../../version/version.ts';
import type { Step } from '../scenario.ts';
import { LEDGER } from '../validate.ts';
import type { FleetSpec } from './fleet-spec.ts';

/** Versions that the fleet's file names, ascending: servers and clients are moved between them. */
export function versionsOf({ servers, clients, versions = [] }: FleetSpec): string[] {
  const named = [
    servers.version,
    servers.tables ?? servers.version,
    ...clients.map(({ version }) => version),
    ...versions,
  ];
  return [...new Set(named)].sort((one, other) => compareVersions(parseVersion(one), parseVersion(other)));
}

/** One to `maxSteps` steps; what is simpler stands first, since shrinking goes there. */
export function planOf(fleet: FleetSpec, maxSteps: number): fc.Arbitrary<Step[]> {
  return fc.array(stepOf(fleet), { minLength: 1, maxLength: maxSteps, size: 'max' });
}

function stepOf(fleet: FleetSpec): fc.Arbitrary<Step> {
  const numbered = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);
  const servers = numbered('rs', fleet.servers.count);
  const gates = numbered('gate', fleet.gates);
  const groups = fleet.clients.map(({ name }) => name);
  const version = fc.constantFrom(...versionsOf(fleet));
  const node = fc.constantFrom(...servers, ...gates);
  const link = fc.tuple(fc.constantFrom(...gates), fc.constantFrom(...servers, LEDGER));
  const wait = fc.constantFrom(...waitsOf(fleet)).map((ms): Step => ({ wait: ms }));
  const roll = fc
    .record({
      to: version,
      servers: fc.shuffledSubarray(servers, { minLength: 1 }),
      batch: fc.constantFrom(1, 2),
      grace: fc.constantFrom(0, 1_000),
    })
    .map((how): Step => ({ roll: { ...how, pause: 500 } }));
  const ofGroups: Array<fc.WeightedArbitrary<Step>> =
    groups.length === 0 ? [] : stepsOfGroups(fc.constantFrom(...groups), version);
  return fc.oneof(
    ...ofGroups,
    { weight: 5, arbitrary: wait },
    { weight: 4, arbitrary: roll },
    { weight: 2, arbitrary: node.map((restart): Step => ({ restart })) },
    { weight: 2, arbitrary: node.map((kill): Step => ({ kill })) },
    { weight: 2, arbitrary: node.map((start): Step => ({ start })) },
    { weight: 2, arbitrary: node.map((pause): Step => ({ pause })) },
    { weight: 2, arbitrary: node.map((resume): Step => ({ resume })) },
    { weight: 2, arbitrary: link.map((cut): Step => ({ cut })) },
    { weight: 2, arbitrary: link.map((heal): Step => ({ heal })) },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('block', 'unblock', 'approve', 'retry', 'abort')
        .map((operator): Step => ({ operator })),
    },
  );
}

function stepsOfGroups(
  group: fc.Arbitrary<string>,
  version: fc.Arbitrary<string>,
): Array<fc.WeightedArbitrary<Step>> {
  return [
    { weight: 4, arbitrary: group.map((connect): Step => ({ connect })) },
    { weight: 4, arbitrary: group.map((arrive): Step => ({ arrive })) },
    { weight: 1, arbitrary: group.map((disconnect): Step => ({ disconnect })) },
    { weight: 2, arbitrary: fc.record({ group, to: version }).map((change): Step => ({ change })) },
  ];
}

/** Waits that matter to this fleet, ascending: less and more than a probe, a lease and an upgrade take. */
function waitsOf({ migration, timeouts, servers }: FleetSpec): number[] {
  const waits = [
    100,
    timeouts.probe,
    servers.upgradeTime / 2,
    migration.lease * 1.2,
    servers.upgradeTime * 1.5,
  ];
  return [...new Set(waits.map(Math.round))].sort((one, other) => one - other);
}

/** Before the fleet is brought back in order, whoever waits must have been told that it was in vain. */
export function settleStep({ migration, timeouts }: FleetSpec): Step {
  return { wait: Math.round(Math.max(timeouts.hold, migration.hold.deadline) * 1.5) };
}

/** What brings a fleet back in order after a plan: nobody is left standing still, cut off or dead. */
export function repairsAfter(steps: readonly Step[]): Step[] {
  const paused = new Set<string>();
  const dead = new Set<string>();
  const cuts = new Map<string, readonly [string, string]>();
  for (const { kill, start, restart, pause, resume, cut, heal, roll } of steps) {
    if (pause !== undefined) paused.add(pause);
    if (kill !== undefined) dead.add(kill);
    for (const id of [resume, kill, restart, ...(roll?.servers ?? [])])
      if (id !== undefined) paused.delete(id);
    for (const id of [start, restart, ...(roll?.servers ?? [])]) if (id !== undefined) dead.delete(id);
    if (cut) cuts.set(cut.join(' '), cut);
    if (heal) cuts.delete(heal.join(' '));
  }
  return [
    ...[...paused].filter((id) => !dead.has(id)).map((resume): Step => ({ resume })),
    ...[...cuts.values()].map(([a, b]): Step => ({ heal: [a, b] })),
    ...[...dead].map((start): Step => ({ start })),
  ];
}
