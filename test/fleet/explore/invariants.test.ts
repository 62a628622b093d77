/** Each invariant speaks up: a fleet in which all holds, and one thing in its truth changed. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Logged } from '../../../src/fleet/driver.ts';
import { DEFAULT_FLEET } from '../../../src/fleet/explore/fleet-spec.ts';
import type { TrueState } from '../../../src/fleet/ground-truth.ts';
import { INVARIANTS, violationsIn } from '../../../src/fleet/invariants.ts';
import { runScenario } from '../../../src/fleet/run.ts';
import { scenarioSchema } from '../../../src/fleet/scenario.ts';
import { Simulation } from '../../../src/fleet/simulation.ts';
import type { HistoryEntry } from '../../../src/migration/ledger/record.ts';
import { parseVersion } from '../../../src/version/version.ts';
import { playSteps, recordsOf } from './support.ts';

/** An upgrade, two refusals, a server that restarts, and time for all of it to be known. */
const PLAN = [
  { connect: 'older' },
  { wait: '3s' },
  { connect: 'current' },
  { wait: '6s' },
  { connect: 'newest' },
  { restart: 'rs2' },
  { wait: '4s' },
];

function change(
  simulation: Simulation,
  event: Logged['event'],
  verdict: string | undefined,
  change: object,
): void {
  const [first] = recordsOf(simulation, event, verdict);
  if (first === undefined) throw new Error(`there is no ${event} ${verdict ?? ''}`);
  Object.assign(first.record, change);
  // Its client was told the same.
  const attempt = simulation.truth.attempts.find(
    ({ client, outcome }) =>
      outcome?.kind === 'refused' && String(Reflect.get(first.record, 'peer')).startsWith(`${client}:`),
  );
  if (attempt?.outcome?.kind === 'refused') Object.assign(attempt.outcome, change);
}

function eachState(simulation: Simulation, change: (state: TrueState) => object): void {
  for (const state of simulation.truth.states) Object.assign(state, change(state));
}

function history({ truth }: Simulation, edit: (entries: HistoryEntry[]) => HistoryEntry[]): void {
  truth.history.splice(0, truth.history.length, ...edit([...truth.history]));
}

const entry = (entries: readonly HistoryEntry[], what: string) =>
  entries.find((one) => one.what === what) as HistoryEntry;

/** What to change so that exactly these invariants are broken. */
const TAMPERED: ReadonlyArray<
  readonly [what: string, broken: readonly string[], tamper: (simulation: Simulation) => void | Promise<void>]
> = [
  [
    'every server was on 4.11 all the time',
    ['admitted-by-policy', 'servers-first'],
    (simulation) =>
      eachState(simulation, ({ servers }) => ({
        servers: servers.map((server) => ({ ...server, version: parseVersion('4.11.0') })),
      })),
  ],
  [
    'a session went to a server on another version than was said',
    ['admitted-by-policy'],
    (simulation) => change(simulation, 'handshake', 'permit', { serverVersion: '4.12.0' }),
  ],
  [
    'a step is on record twice',
    ['upgraded-once'],
    (simulation) =>
      history(simulation, (entries) => {
        const at = entries.indexOf(entry(entries, 'step-done'));
        return entries.toSpliced(at, 0, entries[at] as HistoryEntry);
      }),
  ],
  [
    'the tables were brought to one level twice',
    ['upgraded-once'],
    ({ truth: { runs } }) => {
      const [run] = runs;
      if (run) runs.push({ ...run, from: run.end as number });
    },
  ],
  [
    'a step that was done ran again',
    ['success-is-kept'],
    ({ truth: { runs } }) => {
      const [run] = runs;
      const end = run?.end as number;
      if (run) runs.push({ ...run, from: end + 5_000, end: end + 5_001, how: 'idle' });
    },
  ],
  [
    'a step was done, and counted as failed',
    ['success-is-kept'],
    (simulation) =>
      history(simulation, (entries) => {
        const at = (entry(entries, 'done').at as number) + 4_000;
        return entries
          .filter(({ what }) => what !== 'step-done')
          .map((one) => (one.what === 'done' ? { ...one, what: 'failed', at, error: 'x' } : one));
      }),
  ],
  [
    'two runs went through at once',
    ['one-run-at-a-time'],
    ({ truth: { runs } }) => {
      const [run] = runs;
      if (run) runs.push({ ...run, token: 2, from: run.from + 1, how: 'idle' });
    },
  ],
  [
    'a claim was taken over from a holder that was well',
    ['one-holder'],
    (simulation) =>
      history(simulation, (entries) => {
        const planned = entry(entries, 'planned');
        const next = { ...planned, token: 2, at: planned.at + 1 };
        const rest = entries.map((one) => (one.token === 1 && one !== planned ? { ...one, token: 2 } : one));
        return rest.toSpliced(rest.indexOf(planned) + 1, 0, { ...next, what: 'taken-over' }, next);
      }),
  ],
  [
    'a token was given twice',
    ['one-holder'],
    (simulation) => history(simulation, (entries) => [...entries, entry(entries, 'planned')]),
  ],
  [
    'upgrades were blocked before it began',
    ['operator-is-heeded'],
    (simulation) => history(simulation, (entries) => [{ what: 'blocked', at: 0, until: null }, ...entries]),
  ],
  [
    'an operator aborted it, and its step was done all the same',
    ['operator-is-heeded'],
    (simulation) =>
      history(simulation, (entries) => {
        const running = entry(entries, 'running');
        for (const { record } of simulation.truth.states)
          if (record?.claim) Object.assign(record.claim, { abort: { by: 'x', reason: 'y' } });
        const aborted: HistoryEntry = { what: 'aborted', at: running.at };
        return entries.toSpliced(entries.indexOf(running) + 1, 0, aborted);
      }),
  ],
  [
    'an upgrade began while a server was older than the client that brought it',
    ['servers-first'],
    (simulation) =>
      history(simulation, (entries) => {
        const { trigger } = entry(entries, 'planned');
        Object.assign(trigger as object, { client: '4.15.0' });
        return entries;
      }),
  ],
  [
    'the level on record sank',
    ['ledger-goes-forward'],
    ({ truth: { states } }) => {
      const last = states.at(-1) as TrueState;
      if (last.record) states.push({ ...last, record: { ...last.record, level: 3 } });
    },
  ],
  [
    'a gate doubted the ledger, nobody accepted it, and an upgrade began',
    ['lost-ledger-is-doubted'],
    (simulation) => history(simulation, (entries) => [{ what: 'ledger-doubted', at: 0 }, ...entries]),
  ],
  [
    'a session ended for a server that never stopped',
    ['sessions-kept'],
    ({ truth }) => {
      const [first] = truth.records.filter(({ record }) => record.event === 'session-end');
      if (first?.record.event !== 'session-end') throw new Error('no session ended');
      const at = (truth.stoppedAt as number) - 1;
      truth.records.push({
        ...first,
        at,
        record: { ...first.record, server: 'rs1', reason: 'server-gone', durationMs: 100 },
      });
    },
  ],
  [
    'a session ended for its client, and that was still there',
    ['on-record'],
    ({ truth }) => {
      const [first] = truth.records.filter(({ record }) => record.event === 'session-end');
      const [attempt] = truth.attempts.filter(({ outcome }) => outcome?.kind === 'admitted');
      if (first?.record.event !== 'session-end' || attempt?.outcome?.kind !== 'admitted')
        throw new Error('no session ended');
      const record: Logged = {
        ...first.record,
        session: attempt.outcome.session as string,
        reason: 'client-gone',
      };
      truth.records.push({ ...first, at: (attempt.closed as number) - 1, record });
    },
  ],
  [
    'a client was admitted, and nothing of it was written',
    ['on-record'],
    ({ truth: { records } }) => {
      const at = records.findIndex(({ record }) => 'verdict' in record && record.verdict === 'permit');
      records.splice(at, 1);
    },
  ],
  [
    'a client was told another code than was written',
    ['on-record'],
    ({ truth }) => {
      const [refused] = truth.attempts.filter(({ outcome }) => outcome?.kind === 'refused');
      if (refused?.outcome?.kind === 'refused') Object.assign(refused.outcome, { code: 'CLIENT_OUTDATED' });
    },
  ],
  [
    'a client was not answered, and its gate ran',
    ['everyone-is-answered'],
    ({ truth }) => {
      const at = (truth.stoppedAt as number) - 10;
      truth.attempts.push({
        client: 'older-9',
        version: '4.13.1',
        from: at - 5,
        end: at,
        outcome: { kind: 'lost', error: 'gone' },
        closed: null,
      });
    },
  ],
  [
    'a client came long before the end, and was answered only as the fleet stopped',
    ['sessions-kept', 'waits-end'],
    ({ truth }) => {
      const attempt = { client: 'older-9', version: '4.13.1', end: null, outcome: null, closed: null };
      truth.attempts.push({ ...attempt, from: truth.stoppedAt as number });
      truth.stoppedAt = (truth.stoppedAt as number) + 60_000;
    },
  ],
  [
    'a client was held longer than clients may be',
    ['waits-end'],
    (simulation) =>
      change(simulation, 'handshake', 'permit', {
        phases: { helloMs: 1, heldMs: 15_000, dialMs: 1, totalMs: 15_001 },
      }),
  ],
  [
    'a client was held though every server fitted it',
    ['waits-end'],
    (simulation) => {
      const last = recordsOf(simulation, 'handshake', 'permit').at(-1);
      const copy = { ...(last as NonNullable<typeof last>), at: (simulation.truth.stoppedAt as number) - 1 };
      const phases = { helloMs: 1, heldMs: 3_500, dialMs: 1, totalMs: 3_501 };
      simulation.truth.records.push({ ...copy, record: { ...copy.record, phases } as Logged });
    },
  ],
  [
    'a client was refused whom every server fits',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { client: '4.13.1', retry: 'later' }),
  ],
  [
    'an upgrade is said to be blocked, and was not',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { code: 'UPGRADE_BLOCKED' }),
  ],
  [
    'an upgrade is said to have failed, and had not',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { code: 'UPGRADE_FAILED' }),
  ],
  [
    'an answer took an hour',
    ['waits-end'],
    (simulation) =>
      change(simulation, 'handshake', 'permit', {
        phases: { helloMs: 1, heldMs: 0, dialMs: 1, totalMs: 3_600_000 },
      }),
  ],
  [
    'a limit is said to be reached, and nobody was there',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { code: 'TOO_MANY_CONNECTIONS', client: null }),
  ],
  [
    'an upgrade is said to wait for an operator, and nothing asks for one',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { code: 'UPGRADE_REQUIRED', client: '4.14.0' }),
  ],
  [
    'a gate is said to go, and did not',
    ['refused-for-a-reason'],
    (simulation) => change(simulation, 'handshake', 'refuse', { code: 'DRAINING' }),
  ],
  [
    'a client may come again later, and the policy says the same then',
    ['refusals-lead-on'],
    (simulation) => change(simulation, 'handshake', 'refuse', { retry: 'later', move: null }),
  ],
  [
    'a client that can be helped is told that nothing will',
    ['refusals-lead-on'],
    (simulation) => change(simulation, 'handshake', 'refuse', { retry: 'never' }),
  ],
  [
    'a refusal that can be acted on says nobody',
    ['refusals-lead-on'],
    (simulation) => change(simulation, 'handshake', 'refuse', { move: null }),
  ],
  [
    'a refusal names servers that are not there',
    ['refusals-lead-on'],
    (simulation) =>
      change(simulation, 'handshake', 'refuse', { move: { side: 'server', to: '4.15', who: ['rs9'] } }),
  ],
  [
    'a gate failed over a client',
    ['no-fault'],
    (simulation) => change(simulation, 'gate', undefined, { what: 'fault', error: 'boom' }),
  ],
  [
    'a timer was left',
    ['nothing-left'],
    ({ truth }) => {
      truth.left = { sessions: 0, handshakes: 0, timers: 1 };
    },
  ],
];

const brokenIn = async (simulation: Simulation) => [
  ...new Set((await violationsIn(simulation)).map(({ invariant }) => invariant)),
];

test('nothing is broken in the fleet as it was', async () => {
  const simulation = await playSteps(...PLAN);
  expect(await violationsIn(simulation)).toEqual([]);
  expect(recordsOf(simulation, 'handshake', 'refuse').length).toBeGreaterThan(0);
  expect(simulation.truth.runs.map(({ how }) => how)).toEqual(['completed']);
  expect(simulation.truth.left).toEqual({ sessions: 0, handshakes: 0, held: 0, slots: 0, timers: 0 });
});

describe('a ledger that is lost in the midst of an upgrade', () => {
  const begun = [{ connect: 'older' }, { wait: '3s' }, { connect: 'current' }, { wait: '500ms' }];
  const accepted = [{ wait: '2s' }, { operator: 'accept-ledger' }, { connect: 'current' }, { wait: '6s' }];
  const lost = (ledger: unknown) => playSteps(...begun, { ledger }, ...accepted);
  const planned = ({ truth }: Simulation) => truth.history.filter(({ what }) => what === 'planned');

  test.each(['deleted', 'wiped', { restored: '2s' }])(
    '%j: the upgrade is done once it is accepted, under a token that is new, and all holds',
    async (ledger) => {
      const simulation = await lost(ledger);
      expect(planned(simulation).map(({ token }) => token)).toEqual([1, 2]);
      expect(simulation.truth.runs.map(({ how }) => how)).toEqual(['died', 'completed']);
      expect(violationsIn(simulation)).toEqual([]);
    },
  );

  test('a step that ends before its gate has noticed: nothing of it is recorded in the copy', async () => {
    const simulation = await playSteps(
      ...begun,
      { wait: '3100ms' },
      { ledger: { restored: '2s' } },
      ...accepted,
    );
    const { losses, writes, runs } = simulation.truth;
    expect(runs.map(({ how }) => how)).toEqual(['completed']);
    expect(runs[0]?.end).toBeGreaterThan(losses[0]?.at as number);
    const after = writes.slice(losses[0]?.writes).flatMap(({ entries }) => entries);
    expect(after.map(({ what }) => what).slice(0, 2)).toEqual(['ledger-doubted', 'ledger-accepted']);
    expect(violationsIn(simulation)).toEqual([]);
  });

  test('a token that is given again, although a gate knew it', async () => {
    const simulation = await lost('deleted');
    for (const { token } of planned(simulation).slice(1))
      history(simulation, (entries) =>
        entries.map((one) =>
          one.token === token && one.what !== 'ledger-doubted' ? { ...one, token: 1 } : one,
        ),
      );
    expect(await brokenIn(simulation)).toContain('one-holder');
  });

  test('an upgrade that begins on it before anybody accepted it', async () => {
    const simulation = await lost('deleted');
    history(simulation, (entries) => entries.filter(({ what }) => what !== 'ledger-accepted'));
    expect(await brokenIn(simulation)).toEqual(['lost-ledger-is-doubted']);
  });

  test('an upgrade that begins on it, and nobody doubted it who could have', async () => {
    const simulation = await lost('deleted');
    const [, next] = planned(simulation);
    const { writes } = simulation.truth;
    const at = writes.findIndex(({ entries }) => entries.includes(next as HistoryEntry));
    Object.assign(writes[at] as object, { before: null });
    history(simulation, (entries) => entries.filter(({ what }) => !what.startsWith('ledger-')));
    expect(await brokenIn(simulation)).toEqual(['lost-ledger-is-doubted']);
  });
});

test('a session that the upgrade has to end, and that went on', async () => {
  const lockstep = scenarioSchema.parse({
    ...(parse(DEFAULT_FLEET) as object),
    name: 'lockstep',
    servers: { count: 2, version: '4.2.0', tables: '4.1.0', upgradeTime: '1s' },
    clients: [
      { name: 'old', version: '4.1.0' },
      { name: 'new', version: '4.2.0' },
    ],
    steps: [{ connect: 'old' }, { connect: 'new' }, { wait: '8s' }],
  });
  const simulation = new Simulation(lockstep);
  await runScenario(lockstep, simulation);
  expect(await violationsIn(simulation)).toEqual([]);
  const { records } = simulation.truth;
  const ended = records.findIndex(
    ({ record }) => record.event === 'session-end' && record.reason === 'lockstep',
  );
  expect(records.splice(ended, 1)).toHaveLength(1);
  expect(await brokenIn(simulation)).toEqual(['sessions-end']);
});

describe('what is changed is noticed, by the invariant that is about it', () => {
  test.each(TAMPERED)('%s', async (_what, broken, tamper) => {
    const simulation = await playSteps(...PLAN);
    await tamper(simulation);
    expect(await brokenIn(simulation)).toEqual(broken);
  });

  test('each invariant is among them', () => {
    const tried = new Set(['sessions-end', ...TAMPERED.flatMap(([, broken]) => broken)]);
    expect([...tried].sort()).toEqual(INVARIANTS.map(({ id }) => id).sort());
  });
});
