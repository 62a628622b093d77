/**
 * The plan of an upgrade, pure: from where the tables are to where a client needs them. M5: to a release below
 * 4.3 one step for each minor in between, otherwise one step, with the hooks of releases in between run in
 * order within it. A release that must be stopped at ends a step; a major step needs an entry that allows it (J1).
 */
import { type Catalogue, isHopByHop, levelOf, type Release, releaseAt } from '../version/catalogue.ts';
import {
  compareMinors,
  compareVersions,
  firstOf,
  printCore,
  printMinor,
  type Version,
} from '../version/version.ts';

/** One run of a hook; a step has one or more. */
export interface HookRun {
  /** 1 for the first. */
  readonly step: number;
  readonly from: string | null;
  readonly to: string;
  readonly fromLevel: number;
  readonly toLevel: number;
  /** Whether this release has a hook of its own. */
  readonly own: boolean;
  /** What a major upgrade demands besides (J1). */
  readonly script: string | null;
}

export interface Step {
  readonly from: string | null;
  readonly to: string;
  readonly fromLevel: number;
  /** Where the tables are after it. */
  readonly level: number;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** What the steps consist of, in order. */
  readonly runs: readonly HookRun[];
  /** Sessions are drained first, and clients kept out until it is done. */
  readonly downtime: boolean;
}

/** The catalogue does not allow the upgrade; the message says which entry it lacks. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  /** What an operator does about it, in the imperative. */
  readonly remedy: string;

  constructor(why: string, remedy: string) {
    super(`${why}: ${remedy} (J1)`);
    this.remedy = remedy;
  }
}

export interface PlanRequest {
  readonly catalogue: Catalogue;
  /** Where the tables are; `release` null: derived from the level. */
  readonly from: { readonly level: number; readonly release: Version | null };
  readonly to: Version;
  /** Releases with hooks of their own. */
  readonly hooked?: readonly Version[];
}

/** No steps when the tables are there already. @throws {PlanError} if the catalogue does not allow it. */
export function planUpgrade({ catalogue, from, to, hooked = [] }: PlanRequest): Plan {
  const toLevel = levelOf(catalogue, to);
  if (toLevel <= from.level) return { steps: [], runs: [], downtime: false };
  const start = from.release ?? releaseOfTables(catalogue, from.level, to);
  const major = start !== null && start.major < to.major ? majorEntry(catalogue, start, to) : undefined;
  const target = targetOf(catalogue, to, hooked);
  const stops = [...stopsBetween(catalogue, start, target), target];
  const steps: Step[] = [];
  const runs: HookRun[] = [];
  let at = { release: start, level: from.level };
  for (const stop of stops) {
    const level = levelOf(catalogue, stop);
    // A stop before it may have reached the level already; the last releases of an older major may need more.
    if (level <= at.level || level > toLevel) continue;
    steps.push({ from: print(at.release), to: printCore(stop), fromLevel: at.level, level });
    const onTheWay = hookedBetween(hooked, at.release, stop).filter(
      (one) => levelOf(catalogue, one) <= level,
    );
    for (const release of [...onTheWay, stop]) {
      const own = hooked.some((other) => compareVersions(other, release) === 0);
      // The first releases of a major may need less than the last ones of the major before.
      const reached = Math.max(at.level, levelOf(catalogue, release));
      const entersMajor = at.release !== null && at.release.major < release.major;
      runs.push({
        step: steps.length,
        from: print(at.release),
        to: printCore(release),
        fromLevel: at.level,
        toLevel: reached,
        own,
        script: entersMajor ? (major?.script ?? null) : null,
      });
      at = { release, level: reached };
    }
  }
  return { steps, runs, downtime: major?.downtime === true || major?.together === true };
}

/**
 * Where a client's upgrade leads: the release that its level belongs to, whatever patch the client calls itself, so that
 * a step and its key are the same for every client that may bring it. Releases with hooks of their own are releases too.
 */
function targetOf(catalogue: Catalogue, to: Version, hooked: readonly Version[]): Version {
  const level = levelOf(catalogue, to);
  const needed = releaseOfTables(catalogue, level, to);
  const own = hooked
    .filter(
      (one) => one.major === to.major && compareVersions(one, to) <= 0 && levelOf(catalogue, one) === level,
    )
    .toSorted(compareVersions)
    .at(-1);
  // A major that the catalogue does not list: its line is all that is known of it.
  const known = needed?.major === to.major ? needed : { ...firstOf(to), qualifier: '' };
  return own !== undefined && compareVersions(own, known) > 0 ? own : known;
}

/** The release whose tables are at `level`: of the target's own major where two majors share the level. */
export function releaseOfTables(catalogue: Catalogue, level: number, target: Version): Version | null {
  const lowest = releaseAt(catalogue, level);
  if (lowest === null) return null;
  const reached = levelOf(catalogue, lowest);
  const sameMajor = catalogue.releases.find(
    (release) => release.level === reached && release.version.major === target.major,
  );
  return sameMajor?.version ?? lowest;
}

function stopsBetween(catalogue: Catalogue, from: Version | null, to: Version): Version[] {
  const between = (version: Version) =>
    (from === null || compareVersions(version, from) > 0) && compareVersions(version, to) < 0;
  if (isHopByHop(catalogue, to)) {
    const start = from ?? firstKnown(catalogue, to);
    const first = start.major < to.major ? 0 : start.minor;
    const minors = Array.from({ length: Math.max(0, to.minor - first) }, (_, at) => first + at);
    return minors
      .map((minor) => firstOf({ major: to.major, minor }))
      .filter((stop) => between(stop) && (from === null || compareMinors(stop, from) > 0));
  }
  return catalogue.releases
    .filter((release) => release.mustStop && between(release.version))
    .map(({ version }) => version);
}

/** Where hops begin when nothing is known of the start: the first line of the target's major that has a level. */
function firstKnown(catalogue: Catalogue, to: Version): Version {
  return catalogue.releases.find(({ version }) => version.major === to.major)?.version ?? to;
}

function hookedBetween(hooked: readonly Version[], from: Version | null, to: Version): Version[] {
  return hooked
    .filter(
      (version) => (from === null || compareVersions(version, from) > 0) && compareVersions(version, to) < 0,
    )
    .toSorted(compareVersions);
}

/** What a major upgrade to `to` demands (J1); undefined: the catalogue does not say. */
export function majorDemands(catalogue: Catalogue, to: Version): Release['major'] {
  return catalogue.releases.findLast(
    (release) =>
      release.major !== undefined &&
      release.version.major === to.major &&
      compareVersions(release.version, to) <= 0,
  )?.major;
}

function majorEntry(catalogue: Catalogue, from: Version, to: Version): NonNullable<Release['major']> {
  const demands = majorDemands(catalogue, to);
  if (demands !== undefined) return demands;
  throw new PlanError(
    `the catalogue does not say what a major upgrade from ${printMinor(from)} to ${printMinor(to)} demands`,
    `give release ${to.major}.0.0 an entry "major"`,
  );
}

const print = (version: Version | null) => version && printCore(version);
