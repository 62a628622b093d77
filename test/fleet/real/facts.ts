/** What of a report has to be the same wherever its scenario was played. */
import { handshakes, upgradesOf } from '../../../src/fleet/expectations.ts';
import type { Report } from '../../../src/fleet/run.ts';

export interface Comparable {
  /** `4.14.0 refuse SERVER_OUTDATED M1, server to 4.14`, how often. */
  readonly decisions: Readonly<Record<string, number>>;
  readonly upgrades: readonly number[];
  readonly level: number | null;
  readonly dropped: number;
  readonly lost: number;
  readonly sessions: number;
}

export function comparable({ facts }: Report): Comparable {
  const decisions: Record<string, number> = {};
  for (const { client, verdict, code, rule, move } of handshakes(facts)) {
    const key = `${client} ${verdict} ${code} ${rule}${move ? `, ${move.side} to ${move.to}` : ''}`;
    decisions[key] = (decisions[key] ?? 0) + 1;
  }
  const { level, dropped, lost, sessions } = facts;
  return { decisions, upgrades: upgradesOf(facts), level, dropped, lost, sessions };
}
