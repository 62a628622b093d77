/** The history is complete and in order; the record follows what the servers report. */
import { expect } from 'vitest';
import { Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { checkHistory, levelAt } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, requestOf, stalling } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

export const historyRules: Rules = {
  'every attempt is told with all its facts, in order, to every reader': async (harness) => {
    const from = harness.clock.now();
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await finish(held);
    const history = await harness.another().history();
    checkHistory(history);
    expect(history.map(({ what }) => what)).toEqual([
      'planned',
      'running',
      'step-done',
      'running',
      'step-done',
      'done',
    ]);
    for (const entry of history)
      expect(entry).toMatchObject({
        owner: 'gate-a',
        token: 1,
        attempt: 1,
        checksum: '4.0.0-4.2.0',
        steps: 2,
        trigger: { client: '4.2.0', gate: 'gate-a', connection: 'c1', driver: 'test' },
      });
    const steps = history.filter(({ what }) => what === 'step-done');
    expect(steps.map((e) => [e.step, e.from, e.to, e.fromLevel, e.toLevel, e.key, e.ran])).toEqual([
      [1, '4.0.0', '4.1.0', 0, 3, 'key-0', true],
      [2, '4.1.0', '4.2.0', 3, 4, 'key-1', true],
    ]);
    expect(history.at(-1)).toMatchObject({ stepsDone: 2, to: '4.2.0', toLevel: 4 });
    const times = history.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(from);
    expect(levelAt(history, from - 1)).toBeNull();
    expect(levelAt(history, harness.clock.now())).toBe(4);
  },

  'many entries keep their order': async (harness) => {
    const expected: string[] = [];
    for (let turn = 0; turn < 30; turn++) {
      await harness.ledger.block({ by: 'olga', reason: `turn ${turn}` }, null);
      await harness.another().unblock({ by: 'otto', reason: `turn ${turn}` });
      expected.push(`blocked turn ${turn}`, `unblocked turn ${turn}`);
    }
    const history = await harness.another().history();
    expect(history.map(({ what, reason }) => `${what} ${reason}`)).toEqual(expected);
  },

  'a history of megabytes is read whole': async (harness) => {
    const store = harness.open();
    const reason = 'x'.repeat(100_000);
    for (let turn = 0; turn < 6; turn++) {
      const { revision, text } = await store.read(CLUSTER);
      const history = Array.from({ length: 10 }, (_, at) => ({
        what: 'unblocked' as const,
        at: turn * 10 + at,
        reason,
      }));
      expect(await store.swap(CLUSTER, { expect: revision, text: text ?? '', history })).toBe(true);
    }
    const history = await harness.open().history(CLUSTER);
    expect(history.map(({ at }) => at)).toEqual(Array.from({ length: 60 }, (_, at) => at));
  },

  'three upgrades in turn on one ledger, each with its own token': async (harness) => {
    const releases = ['4.8.0', '4.9.0', '4.10.0', '4.11.0'];
    for (const [at, to] of releases.entries())
      if (at > 0)
        await finish(
          claimed(await harness.another().claim(requestOf('gate-a', releases[at - 1], to), harness.lease)),
        );
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(
      history.filter(({ what }) => what === 'done').map(({ to, token, toLevel }) => [to, token, toLevel]),
    ).toEqual([
      ['4.9.0', 1, 20],
      ['4.10.0', 2, 25],
      ['4.11.0', 3, 27],
    ]);
    expect((await harness.ledger.read()).record).toMatchObject({ level: 27, release: '4.11.0', token: 3 });
  },

  'a step found done already is told apart from one that ran': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
    await held.runDone(0, 'key-0', false);
    await held.complete();
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(history.map(({ what, ran }) => [what, ran])).toEqual([
      ['planned', undefined],
      ['step-done', false],
      ['done', undefined],
    ]);
  },

  'servers that report a lower level: the ledger follows, and the next upgrade is one of a new epoch': async (
    harness,
  ) => {
    await finish(claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease)));
    const after = await harness.another().observe(27, '4.13.0', 'gate-b');
    expect(after).toMatchObject({ level: 27, release: '4.13.0', epoch: 2, token: 1 });
    const again = claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
    expect((await again.current()).claim.runsDone).toBe(0);
    await finish(again);
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(history.find(({ what }) => what === 'level-went-back')).toMatchObject({
      owner: 'gate-b',
      fromLevel: 28,
      toLevel: 27,
    });
    expect(history.filter(({ what }) => what === 'done').map(({ token }) => token)).toEqual([1, 2]);
  },

  'a lower level closes the circuit: the failure was of tables that are gone': async (harness) => {
    await finish(claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease)));
    const held = claimed(await harness.ledger.claim(requestOf('gate-a', '4.14.0', '4.15.0'), harness.lease));
    await held.fail('no disk', null);
    await harness.ledger.observe(27, '4.13.0', 'gate-b');
    claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
  },

  'a higher level is followed within the same epoch; the same level is no change': async (harness) => {
    expect(await harness.ledger.observe(27, '4.13.0', 'gate-a')).toMatchObject({ level: 27, epoch: 1 });
    expect(await harness.ledger.observe(28, '4.14.0', 'gate-a')).toMatchObject({ level: 28, epoch: 1 });
    const before = await harness.fingerprint();
    await harness.another().observe(28, '4.14.0', 'gate-b');
    expect(await harness.fingerprint()).toBe(before);
    expect((await harness.ledger.history()).map(({ what, toLevel }) => [what, toLevel])).toEqual([
      ['level-observed', 27],
      ['level-observed', 28],
    ]);
  },

  'what servers reported before others recorded something newer is not written after it': async (harness) => {
    const { store, stallNext } = stalling(harness.open());
    const slow = new Ledger(store, CLUSTER, harness.clock);
    await harness.ledger.observe(28, '4.14.0', 'gate-b');
    const { record: known } = await slow.read();
    // A snapshot is restored: both gates hear of it, and the other one's client has upgraded again by then.
    stallNext(async () => {
      await harness.ledger.observe(27, '4.13.0', 'gate-b');
      await finish(
        claimed(await harness.ledger.claim(requestOf('gate-b', '4.13.0', '4.14.0'), harness.lease)),
      );
    });
    await slow.observe(27, '4.13.0', 'gate-a', known);
    expect((await harness.ledger.read()).record).toMatchObject({ level: 28, epoch: 2, token: 1 });
    const kinds = (await harness.ledger.history()).map(({ what }) => what);
    expect(kinds.filter((what) => what === 'level-went-back')).toHaveLength(1);
  },

  'what servers report while an upgrade is held changes nothing': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const before = await harness.fingerprint();
    await harness.another().observe(3, '4.1.0', 'gate-b');
    expect(await harness.fingerprint()).toBe(before);
    expect((await held.current()).record.level).toBe(0);
  },

  'distinct newer clients are kept once each, up to a number, until an upgrade is claimed': async (
    harness,
  ) => {
    for (const client of ['a', 'b', 'a', 'c', 'd']) await harness.another().see(client, 3);
    expect((await harness.ledger.read()).record.seen).toEqual(['a', 'b', 'c']);
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    expect((await harness.ledger.read()).record.seen).toEqual([]);
  },

  'reading status and history never writes, on a store that was never used and on one that was': async (
    harness,
  ) => {
    const look = async () => {
      const reader = harness.another();
      await reader.read();
      await reader.history();
      const stop = reader.watch(() => {});
      await harness.almostLapse();
      await reader.read();
      stop();
    };
    const unused = await harness.fingerprint();
    await look();
    expect(await harness.fingerprint()).toBe(unused);
    await harness.ledger.block(OPERATOR, null);
    const used = await harness.fingerprint();
    expect(used).not.toBe(unused);
    await look();
    expect(await harness.fingerprint()).toBe(used);
  },
};
