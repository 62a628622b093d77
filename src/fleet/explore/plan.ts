/**
 * Random plans for a fleet: steps drawn from everything a scenario can do to it. A step that finds nothing to
 * act on when its turn comes is skipped, and the fleet says so; no plan is drawn again for it.
 */
import fc from 'fast-check';
import { compareVersions, parseVersion } from '../../version/version.ts';
import { namesOf } from '../names.ts';
import { HANDLERS, partsOf, type Step } from '../steps/registry.ts';
import type { Damage } from '../steps/step.ts';
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

/** One to `maxSteps` steps, drawn from every verb that can be drawn; shrinking goes to fewer and simpler ones. */
export function planOf(fleet: FleetSpec, maxSteps: number): fc.Arbitrary<Step[]> {
  const choices = { ...namesOf(fleet), versions: versionsOf(fleet), waits: waitsOf(fleet) };
  const steps = HANDLERS.flatMap(([verb, handler]) => {
    const drawn = handler.draw?.(fc, choices);
    if (!drawn) return [];
    const { weight, value } = drawn;
    return [{ weight, arbitrary: value.map((one) => ({ [verb]: one }) as Step) }];
  });
  return fc.array(fc.oneof(...steps), { minLength: 1, maxLength: maxSteps, size: 'max' });
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
  const damage: Damage = { paused: new Set(), dead: new Set(), cuts: new Map() };
  for (const step of steps) {
    const [handler, value] = partsOf(step);
    handler.leaves?.(value, damage);
  }
  const { paused, dead, cuts } = damage;
  return [
    ...[...paused].filter((id) => !dead.has(id)).map((resume): Step => ({ resume })),
    ...[...cuts.values()].map(([a, b]): Step => ({ heal: [a, b] })),
    ...[...dead].map((start): Step => ({ start })),
  ];
}
