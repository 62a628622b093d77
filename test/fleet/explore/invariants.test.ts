/** Each invariant speaks up: a fleet in which all holds, and one thing in its chronicle changed. */
import { describe, expect, test } from 'vitest';
import type { TrueState } from '../../../src/fleet/chronicle.ts';
import type { Logged } from '../../../src/fleet/driver.ts';
import { INVARIANTS, violationsIn } from '../../../src/fleet/invariants.ts';
import type { World } from '../../../src/fleet/world.ts';
import type { HistoryEntry } from '../../../src/migration/ledger/record.ts';
import { parseVersion } from '../../../src/version/version.ts';
import { playSteps } from './support.ts';

/** An upgrade, two refusals, a server that restarts, and time for all of it to be known. */
const PLAN = [
  { connect: 'older' },
  { connect: 'current' },
  { wait: '6s' },
  { connect: 'newest' },
  { restart: 'rs2' },
  { wait: '4s' },
];

const recordsOf = ({ chronicle }: World, event: Logged['event'], verdict?: string) =>
  chronicle.records.filter(
    ({ record }) =>
      record.event === event &&
      (verdict === undefined || ('verdict' in record && record.verdict === verdict)),
  );

function change(world: World, event: Logged['event'], verdict: string | undefined, change: object): void {
  const [first] = recordsOf(world, event, verdict);
  if (first === undefined) throw new Error(`there is no ${event} ${verdict ?? ''}`);
  Object.assign(first.record, change);
}

function eachState(world: World, change: (state: TrueState) => object): void {
  for (const state of world.chronicle.states) Object.assign(state, change(state));
}

async function history(world: World, edit: (entries: HistoryEntry[]) => HistoryEntry[]): Promise<void> {
  const entries = edit(await world.ledger.history());
  world.ledger.history = async () => entries;
}

const entry = (entries: readonly HistoryEntry[], what: string) =>
  entries.find((one) => one.what === what) as HistoryEntry;

/** What to change so that exactly these invariants are broken. */
const TAMPERED: ReadonlyArray<
  readonly [what: string, broken: readonly string[], tamper: (world: World) => void | Promise<void>]
> = [
  [
    'every server was on 4.11 all the time',
    ['admitted-by-policy', 'servers-first'],
    (world) =>
      eachState(world, ({ servers }) => ({
        servers: servers.map((server) => ({ ...server, version: parseVersion('4.11.0') })),
      })),
  ],
  [
    'a session went to a server on another version than was said',
    ['admitted-by-policy'],
    (world) => change(world, 'handshake', 'permit', { serverVersion: '4.12.0' }),
  ],
  [
    'a step is on record twice',
    ['upgraded-once'],
    (world) =>
      history(world, (entries) => {
        const at = entries.indexOf(entry(entries, 'step-done'));
        return entries.toSpliced(at, 0, entries[at] as HistoryEntry);
      }),
  ],
  [
    'the tables were brought to one level twice',
    ['upgraded-once'],
    ({ chronicle: { runs } }) => {
      const [run] = runs;
      if (run) runs.push({ ...run, from: run.end as number });
    },
  ],
  [
    'two runs went through at once',
    ['one-run-at-a-time'],
    ({ chronicle: { runs } }) => {
      const [run] = runs;
      if (run) runs.push({ ...run, token: 2, from: run.from + 1, how: 'idle' });
    },
  ],
  [
    'a claim was taken over from a holder that was well',
    ['one-holder'],
    (world) =>
      history(world, (entries) => {
        const planned = entry(entries, 'planned');
        const next = { ...planned, token: 2, at: planned.at + 1 };
        const rest = entries.map((one) => (one.token === 1 && one !== planned ? { ...one, token: 2 } : one));
        return rest.toSpliced(rest.indexOf(planned) + 1, 0, { ...next, what: 'taken-over' }, next);
      }),
  ],
  [
    'a token was given twice',
    ['one-holder'],
    (world) => history(world, (entries) => [...entries, entry(entries, 'planned')]),
  ],
  [
    'upgrades were blocked before it began',
    ['block-is-heeded'],
    (world) => history(world, (entries) => [{ what: 'blocked', at: 0, until: null }, ...entries]),
  ],
  [
    'the level on record sank',
    ['ledger-goes-forward'],
    ({ chronicle: { states } }) => {
      const last = states.at(-1) as TrueState;
      if (last.record) states.push({ ...last, record: { ...last.record, level: 3 } });
    },
  ],
  [
    'a session ended for a server that never stopped',
    ['sessions-kept'],
    ({ chronicle }) => {
      const [first] = chronicle.records.filter(({ record }) => record.event === 'session-end');
      if (first?.record.event !== 'session-end') throw new Error('no session ended');
      const at = (chronicle.stoppedAt as number) - 1;
      chronicle.records.push({
        ...first,
        at,
        record: { ...first.record, server: 'rs1', reason: 'server-gone', ms: 100 },
      });
    },
  ],
  [
    'a client was refused whom every server fits',
    ['refused-for-a-reason'],
    (world) => change(world, 'handshake', 'refuse', { client: '4.13.1', retry: 'later' }),
  ],
  [
    'an upgrade is said to be blocked, and was not',
    ['refused-for-a-reason'],
    (world) => change(world, 'handshake', 'refuse', { code: 'UPGRADE_BLOCKED', retry: 'later' }),
  ],
  [
    'an answer took an hour',
    ['waits-end'],
    (world) =>
      change(world, 'handshake', 'permit', { phases: { hello: 1, held: 0, dial: 1, total: 3_600_000 } }),
  ],
  [
    'a refusal that can be acted on says nobody',
    ['refusals-lead-on'],
    (world) => change(world, 'handshake', 'refuse', { move: null }),
  ],
  [
    'a refusal names servers that are not there',
    ['refusals-lead-on'],
    (world) => change(world, 'handshake', 'refuse', { move: { side: 'server', to: '4.15', who: ['rs9'] } }),
  ],
  [
    'a gate failed over a client',
    ['no-fault'],
    (world) => change(world, 'gate', undefined, { what: 'fault', error: 'boom' }),
  ],
  [
    'a timer was left',
    ['nothing-left'],
    ({ chronicle }) => {
      chronicle.left = { sessions: 0, handshakes: 0, timers: 1 };
    },
  ],
];

const brokenIn = async (world: World) => [
  ...new Set((await violationsIn(world)).map(({ invariant }) => invariant)),
];

test('nothing is broken in the fleet as it was', async () => {
  const world = await playSteps(...PLAN);
  expect(await violationsIn(world)).toEqual([]);
  expect(recordsOf(world, 'handshake', 'refuse').length).toBeGreaterThan(0);
  expect(world.chronicle.runs.map(({ how }) => how)).toEqual(['completed']);
  expect(world.chronicle.left).toEqual({ sessions: 0, handshakes: 0, timers: 0 });
});

describe('what is changed is noticed, by the invariant that is about it', () => {
  test.each(TAMPERED)('%s', async (_what, broken, tamper) => {
    const world = await playSteps(...PLAN);
    await tamper(world);
    expect(await brokenIn(world)).toEqual(broken);
  });

  test('each invariant is among them', () => {
    const tried = new Set(TAMPERED.flatMap(([, broken]) => broken));
    expect([...tried].sort()).toEqual(INVARIANTS.map(({ id }) => id).sort());
  });
});
