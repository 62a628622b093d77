/** Summarises the outcome of a scenario for every format of report. Times are ms since its start. */
import type { HistoryEntry } from '../../migration/ledger/record.ts';
import { compareVersions, tryParseVersion } from '../../version/version.ts';
import { type Decided, handshakes, longestWait } from '../expectations.ts';
import type { Report } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { partsOf } from '../steps/registry.ts';

export type Mode = 'virtual' | 'real';

/** Handshakes of one client version with the same outcome. */
export interface DecisionRow {
  readonly client: string;
  /** Client groups that are on this version at some time. */
  readonly groups: readonly string[];
  readonly verdict: string;
  readonly code: string;
  readonly count: number;
  /** How many of them were held first. */
  readonly waited: number;
}

export interface RefusalRow {
  readonly client: string;
  readonly code: string;
  readonly rule: string;
  /** `server to 4.14 (rs1, rs2)`; empty: nobody has to. */
  readonly move: string;
  readonly retry: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** Of the first. */
  readonly message: string;
}

export interface UpgradeRow {
  readonly from: string | null;
  readonly to: string;
  readonly fromLevel: number | null;
  readonly level: number;
  readonly attempt: number;
  /** Version of the client that brought it. */
  readonly client: string;
  readonly begin: number;
  /** Null: it was not over when the scenario was. */
  readonly end: number | null;
  readonly outcome: 'done' | 'failed' | 'released' | 'abandoned' | 'running';
  readonly error: string | null;
}

export interface Summary {
  readonly name: string;
  readonly about: string | null;
  readonly mode: Mode;
  readonly seed: number;
  readonly passed: boolean;
  /** How long it took, on the fleet's clock. */
  readonly duration: number;
  readonly admitted: number;
  readonly refused: number;
  readonly dropped: number;
  readonly lost: number;
  readonly longestWait: number;
  readonly level: number | null;
  readonly decisions: readonly DecisionRow[];
  readonly refusals: readonly RefusalRow[];
  readonly upgrades: readonly UpgradeRow[];
  /** Dropped sessions by client version. */
  readonly drops: ReadonlyArray<{ readonly client: string; readonly at: number; readonly count: number }>;
}

/** Shown for clients that never stated a version. */
export const NO_VERSION = 'none';

/** Summarises the outcome of a scenario. */
export function summarise(report: Report, mode: Mode): Summary {
  const { facts, scenario } = report;
  const decided = handshakes(facts);
  const admitted = decided.filter(({ verdict }) => verdict === 'permit');
  return {
    name: report.name,
    about: scenario.about?.trim() ?? null,
    mode,
    seed: report.seed,
    passed: report.failures.length === 0,
    duration: report.end - report.start,
    admitted: admitted.length,
    refused: decided.length - admitted.length,
    dropped: facts.dropped,
    lost: facts.lost,
    longestWait: longestWait(admitted),
    level: facts.level,
    decisions: decisionsOf(decided, groupsByVersion(scenario)),
    refusals: refusalsOf(
      decided.filter(({ verdict }) => verdict === 'refuse'),
      report.start,
    ),
    upgrades: upgradesOf(facts.history, report.start),
    drops: dropsOf(report),
  };
}

/** In the order of the keys' first appearance. */
function group<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return [...groups.values()];
}

/** Compares two versions for sorting, oldest first; texts that are none go by the alphabet. */
export function byVersion(one: string, other: string): number {
  const [a, b] = [tryParseVersion(one), tryParseVersion(other)];
  return a === null || b === null ? one.localeCompare(other) : compareVersions(a, b);
}

/** Names of client groups by the versions that they are on in the course of a scenario. */
function groupsByVersion({ clients, steps }: Scenario): ReadonlyMap<string, readonly string[]> {
  const moves = steps.flatMap((step) => {
    const [handler, value] = partsOf(step);
    const move = handler.moves?.(value);
    return move === undefined || move.group === null ? [] : [{ name: move.group, version: move.to }];
  });
  const byVersion = Map.groupBy([...clients, ...moves], ({ version }) => version);
  return new Map(
    [...byVersion].map(([version, own]) => [version, [...new Set(own.map(({ name }) => name))]]),
  );
}

function decisionsOf(
  decided: readonly Decided[],
  groups: ReadonlyMap<string, readonly string[]>,
): DecisionRow[] {
  return group(decided, ({ client, code }) => `${client} ${code}`)
    .map((same) => {
      const { client, verdict, code } = same[0] as Decided;
      const waited = same.filter(({ waitedFor }) => waitedFor !== null).length;
      const row = { client: client ?? NO_VERSION, groups: groups.get(client ?? '') ?? [], verdict, code };
      return { ...row, count: same.length, waited };
    })
    .sort((one, other) => byVersion(one.client, other.client) || order(one).localeCompare(order(other)));
}

/** Admitted before refused. */
function order({ verdict, code }: DecisionRow): string {
  return `${verdict} ${code}`;
}

function refusalsOf(refused: readonly Decided[], start: number): RefusalRow[] {
  return group(refused, ({ client, code, move }) => `${client} ${code} ${move?.side} ${move?.to}`).map(
    (same) => {
      const { client, code, rule, move, retry, message, time } = same[0] as Decided;
      return {
        client: client ?? NO_VERSION,
        code,
        rule,
        move: move === null ? '' : `${move.side} to ${move.to} (${move.who.join(', ')})`,
        retry,
        count: same.length,
        first: Date.parse(time) - start,
        last: Date.parse((same.at(-1) as Decided).time) - start,
        message,
      };
    },
  );
}

const ENDS: Partial<Record<HistoryEntry['what'], UpgradeRow['outcome']>> = {
  done: 'done',
  failed: 'failed',
  released: 'released',
};

/** One row for each claim; one whose gate was lost ends where another takes it over. */
function upgradesOf(history: readonly HistoryEntry[], start: number): UpgradeRow[] {
  const claims = history.filter(({ what }) => what === 'planned');
  return claims.map((claim, at) => {
    const next = claims[at + 1];
    const end = history.find(
      ({ what, token, at: when }) => ENDS[what] !== undefined && token === claim.token && when >= claim.at,
    );
    const over = end?.at ?? next?.at ?? null;
    return {
      from: claim.from ?? null,
      to: claim.to ?? '?',
      fromLevel: claim.fromLevel ?? null,
      level: claim.toLevel ?? 0,
      attempt: claim.attempt ?? 1,
      client: claim.trigger?.client ?? '?',
      begin: claim.at - start,
      end: over === null ? null : over - start,
      outcome: end === undefined ? (next ? 'abandoned' : 'running') : (ENDS[end.what] ?? 'running'),
      error: end?.error ?? null,
    };
  });
}

function dropsOf({ sessions, start }: Report): Summary['drops'] {
  return group(
    sessions.filter(({ dropped }) => dropped),
    ({ client, at }) => `${client} ${at}`,
  ).map((same) => {
    const { client, at } = same[0] as (typeof sessions)[number];
    return { client, at: at - start, count: same.length };
  });
}
