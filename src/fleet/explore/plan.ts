/**
 * Random plans for a fleet: steps drawn from everything a scenario can do to it. A step that finds nothing to
 * act on when its turn comes is skipped, and the fleet says so; no plan is drawn again for it.
 */
import fc from 'fast-check';
import { policyOf } from '../../config/policy.ts';
import { levelOf } from '../../version/catalogue.ts';
import { compareVersions, parseVersion } from '../../version/version.ts';
import { namesOf } from '../names.ts';
import { HANDLERS, partsOf, type Step } from '../steps/registry.ts';
import type { Damage } from '../steps/step.ts';
import type { LedgerLoss } from '../virtual/ledger-store.ts';
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

/**
 * One to `maxSteps` steps, drawn from every verb that can be drawn; shrinking goes to fewer and simpler ones. More than
 * half of the plans bring the whole fleet to its newest release and let new clients come, so that the upgrade runs in
 * the midst of what else is drawn: steps that are drawn one by one rarely do. In half of these something happens to the
 * upgrade at a moment that matters.
 */
export function planOf(fleet: FleetSpec, maxSteps: number): fc.Arbitrary<Step[]> {
  const step = stepOf(fleet);
  const steps = (minLength: number, maxLength: number) =>
    fc.array(step, { minLength, maxLength, size: 'max' });
  const upgrade = upgradeOf(fleet);
  const room = upgrade === null ? -1 : maxSteps - UPGRADE_STEPS;
  const free = steps(1, maxSteps);
  if (upgrade === null || room < 0) return free;
  const before = Math.min(MAX_BEFORE, Math.floor(room / 2));
  const around = (middle: fc.Arbitrary<Step[]>, left: number) =>
    fc
      .tuple(steps(0, before), middle, steps(0, left))
      .map(([first, upgraded, rest]) => [...first, ...upgraded, ...rest]);
  const left = room - before - STRIKE_STEPS;
  const struck = fc.tuple(upgrade, strikeOf(fleet)).map((parts) => parts.flat());
  return fc.oneof(
    { weight: 2, arbitrary: free },
    { weight: left < 0 ? 4 : 2, arbitrary: around(upgrade, room - before) },
    { weight: left < 0 ? 0 : 2, arbitrary: around(struck, Math.max(0, left)) },
  );
}

/** Steps of `upgradeOf` at most. */
const UPGRADE_STEPS = 3;
/** Steps of `strikeOf` at most. */
const STRIKE_STEPS = 5;
/** Steps before these at most: the more there are, the more often they keep the upgrade from running. */
const MAX_BEFORE = 2;

function stepOf(fleet: FleetSpec): fc.Arbitrary<Step> {
  const choices = { ...namesOf(fleet), versions: versionsOf(fleet), waits: waitsOf(fleet) };
  const steps = HANDLERS.flatMap(([verb, handler]) => {
    const drawn = handler.draw?.(fc, choices);
    if (!drawn) return [];
    const { weight, value } = drawn;
    return [{ weight, arbitrary: value.map((one) => ({ [verb]: one }) as Step) }];
  });
  return fc.oneof(...steps);
}

/** Servers first, then clients that may bring the upgrade; null: there is none to be brought. */
function upgradeOf(fleet: FleetSpec): fc.Arbitrary<Step[]> | null {
  const { servers } = namesOf(fleet);
  const to = newestOf(fleet);
  const groups = fleet.clients.filter(({ upgrade }) => upgrade === 'may').map(({ name }) => name);
  if (whyNoUpgrade(fleet) !== null) return null;
  const approval: Step[] = fleet.migration.trigger.approval ? [{ operator: 'approve' }] : [];
  return fc
    .record({
      servers: fc.shuffledSubarray([...servers], { minLength: servers.length }),
      batch: fc.constantFrom(1, servers.length),
      grace: fc.constantFrom(0, 1_000),
      group: fc.constantFrom(...groups),
    })
    .map(({ group, ...roll }): Step[] => [
      { roll: { ...roll, to, pause: 500 } },
      ...approval,
      { change: { group, to } },
    ]);
}

/** What happens to an upgrade that has just begun, at a moment that matters. */
function strikeOf(fleet: FleetSpec): fc.Arbitrary<Step[]> {
  const { servers, gates } = namesOf(fleet);
  const { lease } = fleet.migration;
  const { upgradeTime } = fleet.servers;
  /** A server stands still in the midst of a step, its gate dies, and the server goes on once another has taken over. */
  const orphan = fc
    .record({
      server: fc.constantFrom(...servers),
      gate: fc.constantFrom(...gates),
      rest: fc.constantFrom(lease / 2, lease * 1.2, lease + upgradeTime),
    })
    .map(({ server, gate, rest }): Step[] => [
      { wait: Math.round(upgradeTime / 2) },
      { pause: server },
      { kill: gate },
      { wait: Math.round(rest) },
      { resume: server },
    ]);
  /** Servers restart just as the step ends, so that nobody can be asked whether it did what it should. */
  const restart = fc
    .record({
      servers: fc.shuffledSubarray([...servers], { minLength: 1 }),
      off: fc.constantFrom(0, -20, -5, 5, 10, 20, 50, 200),
      to: fc.constant(newestOf(fleet)),
      batch: fc.constantFrom(servers.length, 1),
    })
    .map(({ off, ...roll }): Step[] => [
      { wait: Math.max(0, upgradeTime + off) },
      { roll: { ...roll, pause: 0, grace: 0 } },
    ]);
  /** The ledger is lost in the midst of a step or soon after it, and an operator accepts what is there: too soon, or not. */
  const lost = fc
    .record({
      before: fc.constantFrom(upgradeTime / 4, upgradeTime * 0.9, upgradeTime * 1.2),
      ledger: fc.oneof(
        fc.constantFrom<LedgerLoss>('deleted', 'wiped'),
        fc.record({ restored: fc.constantFrom(upgradeTime / 8, upgradeTime / 2, upgradeTime * 2) }),
      ),
      rest: fc.constantFrom(500, lease * 1.2, lease + upgradeTime),
    })
    .map(({ before, ledger, rest }): Step[] => [
      { wait: Math.round(before) },
      { ledger },
      { wait: Math.round(rest) },
      { operator: 'accept-ledger' },
    ]);
  return fc.oneof(orphan, restart, lost);
}

/** The newest version that a fleet's file names. */
export function newestOf(fleet: FleetSpec): string {
  return versionsOf(fleet).at(-1) as string;
}

/** Why no plan can run an upgrade of the system tables on this fleet, and what to change; null: plans can. */
export function whyNoUpgrade(fleet: FleetSpec): string | null {
  const policy = policyOf(fleet);
  if (policy.kind !== 'skew') return 'its policy knows no system tables';
  const { tables } = fleet.servers;
  if (tables === undefined)
    return 'it has no system tables: state servers.tables, the release that left them';
  const [left, newest] = [tables, newestOf(fleet)].map((release) =>
    levelOf(policy.catalogue, parseVersion(release)),
  ) as [number, number];
  if (newest <= left)
    return `${newestOf(fleet)}, the newest version that it names, is content with the tables as ${tables} left them (level ${left}): name a newer one, of a client group or in a step, or give its release a higher level in the catalogue`;
  if (!fleet.clients.some(({ upgrade }) => upgrade === 'may'))
    return 'none of its client groups may bring an upgrade: add one whose upgrade is "may"';
  return null;
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

/** The steps of a plan as it is played: those that were drawn, and what brings the fleet back in order. */
export function wholePlan(fleet: FleetSpec, drawn: readonly Step[]): Step[] {
  return [...drawn, settleStep(fleet), ...repairsAfter(drawn)];
}

/** Before the fleet is brought back in order, whoever waits must have been told that it was in vain. */
function settleStep({ migration, timeouts }: FleetSpec): Step {
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
