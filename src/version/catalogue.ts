/**
 * A release catalogue: what is known of each release, as data. Levels say how far a release needs the system tables
 * to be; eras say which rules held before a release. Lookups never fail: a release that is not listed has the level
 * of the nearest lower one that is (docs/policy.md, "The release catalogue").
 */
import {
  compareMinors,
  compareVersions,
  type Minor,
  printCore,
  printMinor,
  type Version,
} from './version.ts';

/** One release. Everything but its version may be left out. */
export interface Release {
  readonly version: Version;
  /** Schema level this release needs; absent: that of the nearest lower release. */
  readonly level?: number;
  /** Client release lines of an older major that servers of this release line still accept (J1). */
  readonly accepts?: readonly Minor[];
  /** Minors a client may be older than servers of this release line; overrides the policy's window (M2). */
  readonly window?: number;
  /** While the tables are those of this release line, clients of older minors are refused (M4). */
  readonly lockstep?: boolean;
  /** An upgrade may not pass over this release (M5). */
  readonly mustStop?: boolean;
  /** What a major upgrade to this release demands (J1). */
  readonly major?: { readonly downtime?: boolean; readonly script?: string; readonly together?: boolean };
  /** A sentence for people, passed on by refusals that name this release line. */
  readonly notes?: string;
  readonly link?: string;
}

/** Rules of the past: they hold for releases below `below`. */
export interface Era {
  readonly below: Version;
  /** All clients are upgraded at the same time (M4). */
  readonly lockstep: boolean;
  /** One upgrade for each minor in between (M5). */
  readonly hopByHop: boolean;
}

/** All that is known of releases. Build one with `createCatalogue`, which sorts it. */
export interface Catalogue {
  readonly eras: readonly Era[];
  /** Ascending. */
  readonly releases: readonly Release[];
}

/** A catalogue of `releases`, in any order, and of the `eras` in which other rules held. */
export function createCatalogue(releases: readonly Release[], eras: readonly Era[] = []): Catalogue {
  const sorted = [...releases].sort((a, b) => compareVersions(a.version, b.version));
  return { eras: [...eras], releases: sorted };
}

/** A copy in which `additions` stand beside the releases of `base`, or in place of those of the same version. */
export function extendCatalogue(base: Catalogue, additions: readonly Release[]): Catalogue {
  const replaced = (release: Release) =>
    additions.some((added) => compareVersions(added.version, release.version) === 0);
  return createCatalogue([...base.releases.filter((release) => !replaced(release)), ...additions], base.eras);
}

/** The releases of a catalogue that say something of one kind: few, and asked for with every verdict. */
interface Index {
  readonly withLevel: readonly (Release & { readonly level: number })[];
  readonly withWindow: readonly (Release & { readonly window: number })[];
  readonly withNotes: readonly Release[];
  readonly highestLevel: number;
}

const INDICES = new WeakMap<Catalogue, Index>();

function indexOf(catalogue: Catalogue): Index {
  const known = INDICES.get(catalogue);
  if (known !== undefined) return known;
  const { releases } = catalogue;
  const withLevel = releases.filter((one): one is Index['withLevel'][number] => one.level !== undefined);
  const index: Index = {
    withLevel,
    withWindow: releases.filter((one): one is Index['withWindow'][number] => one.window !== undefined),
    withNotes: releases.filter(({ notes, link }) => notes !== undefined || link !== undefined),
    highestLevel: withLevel.reduce((highest, { level }) => Math.max(highest, level), 0),
  };
  INDICES.set(catalogue, index);
  return index;
}

/** The schema level that `version` needs; 0 below the first release listed. */
export function levelOf(catalogue: Catalogue, version: Version): number {
  const { withLevel } = indexOf(catalogue);
  return withLevel.findLast((release) => compareVersions(release.version, version) <= 0)?.level ?? 0;
}

/** The highest level that any release listed needs; 0 if none states one. */
export function highestLevel(catalogue: Catalogue): number {
  return indexOf(catalogue).highestLevel;
}

/** Minors a client may be older than servers of this line, where the catalogue says so. */
export function windowOfLine(catalogue: Catalogue, line: Minor): number | null {
  const { withWindow } = indexOf(catalogue);
  return withWindow.findLast(({ version }) => compareMinors(version, line) === 0)?.window ?? null;
}

/** The releases of a line of which there is something to say, ascending. */
export function notedReleases(catalogue: Catalogue, line: Minor): readonly Release[] {
  return indexOf(catalogue).withNotes.filter(({ version }) => compareMinors(version, line) === 0);
}

/** The highest level that any patch release of a line needs: what servers of that line can work with. */
export function levelOfLine(catalogue: Catalogue, line: Minor): number {
  return levelOf(catalogue, { ...line, patch: Number.MAX_SAFE_INTEGER, qualifier: '' });
}

/** The lowest release whose tables are at `level`; null below the first one listed. */
export function releaseAt(catalogue: Catalogue, level: number): Version | null {
  let highest: Release | null = null;
  for (const release of catalogue.releases) {
    const reached = release.level ?? Number.POSITIVE_INFINITY;
    if (reached <= level && reached > (highest?.level ?? Number.NEGATIVE_INFINITY)) highest = release;
  }
  return highest?.version ?? null;
}

/**
 * The releases whose tables are at `level`, for people: `4.11 to 4.13` where several lines share it, the one line
 * otherwise, with the patch where a patch of the line changed the level (`4.2.1`). Lines of several majors are joined
 * by "or". Null below the first release listed.
 */
export function releasesAtLevel(catalogue: Catalogue, level: number): string | null {
  const there = entriesAt(catalogue, level);
  if (there.length === 0) return null;
  const majors = [...new Set(there.map(({ version }) => version.major))];
  return majors
    .map((major) => {
      const names = [
        ...new Set(
          there.filter(({ version }) => version.major === major).map((one) => nameOf(catalogue, one)),
        ),
      ];
      return names.length === 1 ? names[0] : `${names[0]} to ${names.at(-1)}`;
    })
    .join(' or ');
}

/** The release lines that have a release whose tables are at `level`, ascending. */
export function linesAtLevel(catalogue: Catalogue, level: number): readonly Minor[] {
  return linesOf(createCatalogue(entriesAt(catalogue, level)));
}

function entriesAt(catalogue: Catalogue, level: number): readonly Release[] {
  const lowest = releaseAt(catalogue, level);
  if (lowest === null) return [];
  const reached = levelOf(catalogue, lowest);
  return catalogue.releases.filter(({ version }) => levelOf(catalogue, version) === reached);
}

/** A release as people name it among those of one level: by its line, unless its line has several levels. */
function nameOf(catalogue: Catalogue, { version }: Release): string {
  const levels = new Set(entriesOf(catalogue, version).map((entry) => levelOf(catalogue, entry.version)));
  return levels.size === 1 ? printMinor(version) : printCore(version);
}

/** The lowest release line from `first` on that works with tables at `level`; null where none is known. */
export function lineReaching(catalogue: Catalogue, level: number, first: Minor): Minor | null {
  const reaching = (line: Minor) => compareMinors(line, first) >= 0 && levelOfLine(catalogue, line) >= level;
  return linesOf(catalogue).find(reaching) ?? null;
}

/** Entries of one release line, ascending. */
export function entriesOf(catalogue: Catalogue, line: Minor): readonly Release[] {
  return catalogue.releases.filter((release) => compareMinors(release.version, line) === 0);
}

/**
 * Whether clients of older minors are refused while the tables are those of `release` (M4). What the release line
 * states counts; otherwise the eras decide.
 */
export function inLockstep(catalogue: Catalogue, release: Version): boolean {
  const stated = entriesOf(catalogue, release).findLast((entry) => entry.lockstep !== undefined);
  return (
    stated?.lockstep ?? catalogue.eras.some((era) => era.lockstep && compareVersions(release, era.below) < 0)
  );
}

/** Whether an upgrade to `target` has to go through each minor in between (M5). */
export function isHopByHop(catalogue: Catalogue, target: Version): boolean {
  return catalogue.eras.some((era) => era.hopByHop && compareVersions(target, era.below) < 0);
}

/** Release lines known to the catalogue, ascending, each once. */
export function linesOf(catalogue: Catalogue): readonly Minor[] {
  const lines: Minor[] = [];
  for (const { version } of catalogue.releases) {
    const last = lines.at(-1);
    if (last === undefined || compareMinors(last, version) !== 0)
      lines.push({ major: version.major, minor: version.minor });
  }
  return lines;
}
