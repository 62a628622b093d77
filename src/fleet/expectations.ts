/** Compares what is expected with what happened. */
import type { HandshakeRecord } from '../decision/record.ts';
import type { HistoryEntry } from '../migration/ledger/record.ts';
import type { ClusterFacts, Policy } from '../policy/types.ts';
import { type Cell, cellOf } from './current-policy.ts';
import type { Logged } from './driver.ts';
import type { Expectation } from './expectation-schema.ts';
import { listed, type ScenarioProblem } from './steps/step.ts';

/** What expectations are about. */
export interface RunFacts {
  readonly records: readonly Logged[];
  readonly history: readonly HistoryEntry[];
  readonly level: number | null;
  readonly dropped: number;
  readonly lost: number;
  readonly sessions: number;
  readonly handshakes: number;
  /** The servers as they are, whatever a gate knows of them. */
  readonly cluster: ClusterFacts;
  readonly policy: Policy;
  /** ms since the epoch. */
  readonly now: number;
}

/** One thing that was expected, and found or not. */
export interface Check {
  /** Where in the scenario it was expected. */
  readonly field: string;
  readonly expected: unknown;
  readonly found: unknown;
  readonly holds: boolean;
}
export type Failure = Check;

export type Decided = HandshakeRecord & { readonly time: string };

/** Compares each thing that is expected with what is so. @param field where in the scenario it is expected */
export function checkExpectations(expected: Expectation, facts: RunFacts, field: string): Check[] {
  const checks: Check[] = [];
  const add = (name: string, wanted: unknown, found: unknown, holds: boolean) => {
    if (wanted !== undefined) checks.push({ field: `${field}.${name}`, expected: wanted, found, holds });
  };
  const equal = (name: string, wanted: unknown, found: unknown) =>
    add(name, wanted, found, JSON.stringify(wanted) === JSON.stringify(found));
  const decided = handshakes(facts);
  const admitted = decided.filter(({ verdict }) => verdict === 'permit');
  const refused = decided.filter(({ verdict }) => verdict === 'refuse');
  const longest = longestWait(admitted);
  for (const name of ['dropped', 'lost', 'level', 'sessions'] as const)
    equal(name, expected[name], facts[name]);
  equal('upgrades', expected.upgrades, upgradesOf(facts));
  equal('waited', expected.waited, decided.filter(({ waitedFor }) => waitedFor !== null).length);
  add('longestWait', expected.longestWait, longest, longest <= (expected.longestWait ?? 0));
  countByVersion('admitted', expected.admitted, admitted, equal);
  if (typeof expected.refused === 'number') equal('refused', expected.refused, refused.length);
  else
    for (const [code, wanted] of Object.entries(expected.refused ?? {}))
      countByVersion(
        `refused.${code}`,
        wanted,
        refused.filter((record) => record.code === code),
        equal,
      );
  if (expected.decisions) equal('decisions', sorted(expected.decisions), sorted(countCodes(decided)));
  for (const [client, row] of Object.entries(expected.matrix ?? {})) {
    const cells: ReadonlyArray<[string | null, Cell]> =
      typeof row === 'string' ? [[null, row]] : Object.entries(row);
    for (const [server, wanted] of cells)
      equal(
        `matrix.${client}${server === null ? '' : `.${server}`}`,
        wanted,
        cellOf(wanted, client, server, facts),
      );
  }
  return checks;
}

/** A count for a version that no client of the scenario ever has is a typing error, not an expectation. */
export function expectationProblems(
  expected: Expectation | undefined,
  versions: ReadonlySet<string>,
): ScenarioProblem[] {
  const stray = (counts: unknown, path: ScenarioProblem['path']): ScenarioProblem[] =>
    typeof counts !== 'object' || counts === null
      ? []
      : Object.keys(counts)
          .filter((version) => !versions.has(version))
          .map((version) => ({
            path: [...path, version],
            message: `no client is ever on ${version}: ${listed([...versions])}`,
          }));
  const { admitted, refused } = expected ?? {};
  return [
    ...stray(admitted, ['admitted']),
    ...(typeof refused === 'object'
      ? Object.entries(refused).flatMap(([code, counts]) => stray(counts, ['refused', code]))
      : []),
  ];
}

type Compare = (name: string, wanted: unknown, found: unknown) => void;

function countByVersion(
  name: string,
  wanted: number | Record<string, number> | undefined,
  records: readonly Decided[],
  equal: Compare,
): void {
  if (typeof wanted !== 'object') return equal(name, wanted, records.length);
  for (const [version, count] of Object.entries(wanted))
    equal(`${name}.${version}`, count, records.filter(({ client }) => client === version).length);
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

function countCodes(records: readonly Decided[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of records) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** The decisions among the records, in the order in which they were made. */
export function handshakes({ records }: Pick<RunFacts, 'records'>): Decided[] {
  return records.filter((record) => record.event === 'handshake');
}

/** ms that an admitted client waited at most. */
export function longestWait(admitted: readonly Decided[]): number {
  return admitted.reduce((longest, { phases }) => Math.max(longest, phases.heldMs), 0);
}

/** Levels that upgrade steps reached, in order. */
export function upgradesOf({ history }: Pick<RunFacts, 'history'>): number[] {
  return history.flatMap(({ what, toLevel }) =>
    what === 'step-done' && toLevel !== undefined ? [toLevel] : [],
  );
}
