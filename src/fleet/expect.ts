/** Compares what is expected with what happened. */
import type { Facts } from './run.ts';
import type { Expectation } from './scenario.ts';

export interface Failure {
  /** Where in the scenario it was expected. */
  readonly field: string;
  readonly expected: unknown;
  readonly found: unknown;
}

export function judge(expected: Expectation, facts: Facts, field: string): Failure[] {
  const failures: Failure[] = [];
  const compare = (name: string, wanted: unknown, found: unknown) => {
    if (wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(found))
      failures.push({ field: `${field}.${name}`, expected: wanted, found });
  };
  const admitted = handshakes(facts, 'permit');
  const refused = handshakes(facts, 'refuse');
  compare('dropped', expected.dropped, facts.dropped);
  compare('level', expected.level, facts.level);
  compare('sessions', expected.sessions, facts.sessions);
  compare('upgrades', expected.upgrades, upgradesOf(facts));
  if (typeof expected.admitted === 'number') compare('admitted', expected.admitted, admitted.length);
  else
    for (const [version, count] of Object.entries(expected.admitted ?? {}))
      compare(`admitted.${version}`, count, admitted.filter(({ client }) => client === version).length);
  if (typeof expected.refused === 'number') compare('refused', expected.refused, refused.length);
  else
    for (const [code, wanted] of Object.entries(expected.refused ?? {})) {
      const those = refused.filter((record) => record.code === code);
      if (typeof wanted === 'number') compare(`refused.${code}`, wanted, those.length);
      else
        for (const [version, count] of Object.entries(wanted))
          compare(
            `refused.${code}.${version}`,
            count,
            those.filter(({ client }) => client === version).length,
          );
    }
  const longest = Math.max(0, ...admitted.map(({ phases }) => phases.held));
  if (expected.longestWait !== undefined && longest > expected.longestWait)
    failures.push({ field: `${field}.longestWait`, expected: expected.longestWait, found: longest });
  return failures;
}

export function handshakes({ records }: Pick<Facts, 'records'>, verdict: 'permit' | 'refuse') {
  return records.filter((record) => record.event === 'handshake' && record.verdict === verdict) as Array<
    Extract<Facts['records'][number], { event: 'handshake' }>
  >;
}

/** Levels that upgrades reached, in order. */
export function upgradesOf({ history }: Pick<Facts, 'history'>): number[] {
  return history.flatMap(({ what, toLevel }) => (what === 'done' && toLevel !== undefined ? [toLevel] : []));
}
