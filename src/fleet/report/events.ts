/** The timeline of a report: what was done and what happened, in order of time. */
import { plural } from '../../config/units.ts';
import type { Report } from '../run.ts';
import type { Summary, UpgradeRow } from './summary.ts';

export type EventKind = 'step' | 'upgrade' | 'refused' | 'dropped';

export interface TimelineEvent {
  /** ms since the start. */
  readonly at: number;
  readonly kind: EventKind;
  readonly what: string;
}

/** Steps, upgrades, first refusals of each kind and dropped sessions, in the order of time. */
export function eventsOf({ timeline }: Report, summary: Summary): TimelineEvent[] {
  const events: TimelineEvent[] = [
    ...timeline.map(({ at, what }) => ({ at, kind: 'step' as const, what })),
    ...summary.upgrades.flatMap(upgradeEvents),
    ...summary.refusals.map(({ first, client, code, count }) => ({
      at: first,
      kind: 'refused' as const,
      what: `client ${client} refused: ${code}${count > 1 ? ` (first of ${count})` : ''}`,
    })),
    ...summary.drops.map(({ at, client, count }) => ({
      at,
      kind: 'dropped' as const,
      what: `${plural(count, 'session')} of ${client} dropped`,
    })),
  ];
  return events.sort((one, other) => one.at - other.at);
}

const OUTCOMES: Readonly<Record<UpgradeRow['outcome'], string>> = {
  done: 'done',
  failed: 'failed',
  released: 'given back',
  abandoned: 'abandoned: the gate that ran it is gone',
  running: 'still running',
};

function upgradeEvents({
  begin,
  end,
  to,
  level,
  client,
  attempt,
  outcome,
  error,
}: UpgradeRow): TimelineEvent[] {
  const which = attempt > 1 ? `, attempt ${attempt},` : '';
  const why = error === null ? '' : `: ${error}`;
  return [
    {
      at: begin,
      kind: 'upgrade',
      what: `upgrade of the system tables to ${to} (level ${level})${which} begins, brought by client ${client}`,
    },
    ...(end === null
      ? []
      : [
          { at: end, kind: 'upgrade' as const, what: `upgrade to level ${level} ${OUTCOMES[outcome]}${why}` },
        ]),
  ];
}
