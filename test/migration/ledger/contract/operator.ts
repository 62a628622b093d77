/** What an operator does: block, unblock, approve, retry, abort; and failures, which only an operator may have to end. */
import { expect } from 'vitest';
import { Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { activeBlock } from '../../../../src/migration/ledger/record.ts';
import { checkHistory } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, requestOf, stalling } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

const HOUR = 3_600_000;

export const operatorRules: Rules = {
  'a block denies the claim itself, and is kept with who and why': async (harness) => {
    await harness.another().block(OPERATOR, null);
    expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
    const { record } = await harness.another().read();
    expect(record).toMatchObject({ block: { ...OPERATOR, until: null }, token: 0, claim: null });
    expect((await harness.ledger.history()).map(({ what }) => what)).toEqual(['blocked']);
  },

  'a block set between the look and the claim is seen by the claim': async (harness) => {
    const { store, stallNext } = stalling(harness.open());
    const racing = new Ledger(store, CLUSTER, harness.clock);
    stallNext(async () => {
      await harness.another().block(OPERATOR, null);
    });
    expect(await racing.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
    expect((await harness.ledger.read()).record).toMatchObject({ claim: null, token: 0 });
  },

  'a block lapses at its own time, and not before': async (harness) => {
    const until = harness.clock.now() + HOUR;
    const { block } = (await harness.ledger.block(OPERATOR, until)) ?? {};
    expect(block).toMatchObject({ until });
    const { record } = await harness.ledger.read();
    expect(activeBlock(record, until - 1)).toMatchObject(OPERATOR);
    expect(activeBlock(record, until)).toBeNull();
    expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
    await harness.ledger.block(OPERATOR, harness.clock.now());
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
  },

  'a block does not stop who runs, outlives the lease, and stops the takeover until it is lifted': async (
    harness,
  ) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    await harness.another().block(OPERATOR, null);
    await held.runDone(0, 'key-0', true);
    expect(await held.renew()).toBe(true);
    await harness.lapse(CLUSTER, held.token);
    const other = harness.another();
    expect(await other.claim(requestOf('gate-b'), harness.lease)).toBe('blocked');
    const { record } = await other.read();
    expect(record).toMatchObject({ block: OPERATOR, claim: { owner: 'gate-a', runsDone: 1 } });
    await other.unblock({ by: 'olga', reason: 'freeze over' });
    const second = claimed(await other.claim(requestOf('gate-b'), 10 * harness.lease));
    expect((await second.current()).claim.runsDone).toBe(1);
    await finish(second);
    checkHistory(await harness.ledger.history());
  },

  'a block survives completion, failure and release; only unblock or its time lift it': async (harness) => {
    const end = async (act: 'complete' | 'fail' | 'release', to: string, from: string) => {
      const held = claimed(await harness.ledger.claim(requestOf('gate-a', from, to), harness.lease));
      await harness.ledger.block(OPERATOR, null);
      if (act === 'complete') await finish(held);
      if (act === 'fail') await held.fail('no disk', harness.clock.now());
      if (act === 'release') await held.release('the gate stops');
      const { record } = await harness.another().read();
      expect([act, record.block?.reason, record.claim]).toEqual([act, OPERATOR.reason, null]);
      expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
      await harness.ledger.unblock(OPERATOR);
    };
    await end('release', '4.14.0', '4.13.0');
    await end('fail', '4.14.0', '4.13.0');
    await end('complete', '4.14.0', '4.13.0');
    expect((await harness.ledger.read()).record.block).toBeNull();
  },

  'a block of one operator does not lapse with that of another, and is lifted by its name': async (
    harness,
  ) => {
    const now = harness.clock.now();
    await harness.ledger.block(OPERATOR, null);
    await harness.another().block({ by: 'oscar', reason: 'a moment' }, now + 1);
    await harness.another().block({ by: 'otto', reason: 'the weekend' }, now + HOUR);
    const { record } = await harness.ledger.read();
    expect(record.block).toMatchObject({ ...OPERATOR, until: null });
    await harness.ledger.unblock(OPERATOR, 'oscar');
    expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
    await harness.ledger.unblock(OPERATOR, 'olga');
    expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('blocked');
    expect((await harness.ledger.read()).record.block).toMatchObject({ by: 'otto', until: now + HOUR });
    await harness.ledger.unblock(OPERATOR);
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const notes = (await harness.ledger.history()).filter(({ what }) => what === 'unblocked');
    expect(notes.slice(-2).map(({ note }) => note)).toEqual([
      'lifts the block of olga',
      'lifts the block of otto',
    ]);
  },

  'unblock lets the next claim pass, and is recorded with who and why': async (harness) => {
    await harness.ledger.block(OPERATOR, null);
    await harness.another().unblock({ by: 'otto', reason: 'freeze over' });
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const history = await harness.ledger.history();
    expect(history.map(({ what, by, reason }) => [what, by, reason])).toEqual([
      ['blocked', 'olga', 'change freeze'],
      ['unblocked', 'otto', 'freeze over'],
      ['planned', undefined, undefined],
    ]);
  },

  'a failure denies claims until its retry time; attempts are counted': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const retryAt = harness.clock.now() + HOUR;
    await held.fail('no disk', retryAt);
    expect((await harness.another().read()).record.failure).toMatchObject({
      error: 'no disk',
      attempts: 1,
      retryAt,
      toLevel: 4,
    });
    const before = await harness.fingerprint();
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('failed');
    expect(await harness.fingerprint()).toBe(before);
    await harness.ledger.retry(OPERATOR);
    const again = claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
    await again.fail('no disk', harness.clock.now());
    const third = claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
    expect((await third.current()).claim.attempt).toBe(2);
    await finish(third);
    expect((await harness.ledger.read()).record.failure).toBeNull();
    checkHistory(await harness.ledger.history());
  },

  'an open circuit stays open until retry, whoever asks': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.fail('no disk', null);
    for (const owner of ['gate-a', 'gate-b'])
      expect(await harness.another().claim(requestOf(owner), harness.lease)).toBe('failed');
    await harness.another().retry({ by: 'olga', reason: 'disk replaced' });
    const again = claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
    expect((await again.current()).claim.attempt).toBe(1);
    expect((await harness.ledger.history()).find(({ what }) => what === 'retried')).toMatchObject({
      by: 'olga',
      reason: 'disk replaced',
    });
  },

  'steps that were done before a failure are not planned again': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    await held.runDone(0, 'key-0', true);
    await held.runStarted('key-1');
    await held.fail('no disk', null);
    const { record } = await harness.another().read();
    expect(record).toMatchObject({ level: 3, release: '4.1.0', failure: { error: 'no disk' } });
    const failed = (await harness.ledger.history()).at(-1);
    expect(failed).toMatchObject({ what: 'failed', steps: 2, stepsDone: 1, error: 'no disk', token: 1 });
  },

  'an approval is kept until an upgrade completes, over failures too': async (harness) => {
    await harness.another().approve({ by: 'olga', reason: 'tested' });
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.fail('no disk', harness.clock.now());
    expect((await harness.ledger.read()).record.approval).toMatchObject({ by: 'olga', reason: 'tested' });
    await finish(claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease)));
    expect((await harness.ledger.read()).record.approval).toBeNull();
    expect((await harness.ledger.history())[0]).toMatchObject({ what: 'approved', by: 'olga' });
  },

  'an approval is for where the tables were: used up when they turn out to be further, not when they are first seen':
    async (harness) => {
      await harness.another().approve(OPERATOR);
      expect((await harness.ledger.observe(27, '4.13.0', 'gate-a')).approval).toMatchObject(OPERATOR);
      expect((await harness.ledger.observe(25, '4.10.0', 'gate-a')).approval).toMatchObject(OPERATOR);
      expect((await harness.ledger.observe(28, '4.14.0', 'gate-a')).approval).toBeNull();
    },

  'retry of a dead claim: it is taken over as if it was the first attempt, and nobody is asked to stop any more':
    async (harness) => {
      const request = { ...requestOf('gate-a', '4.13.0', '4.14.0'), attempts: 2 };
      for (const attempt of [1, 2]) {
        const held = claimed(await harness.another().claim(request, harness.lease));
        await held.runStarted('key-0');
        if (attempt === 2) await harness.another().abort(OPERATOR);
        await harness.lapse(CLUSTER, held.token);
      }
      await harness.another().retry(OPERATOR);
      const next = claimed(await harness.another().claim(request, 10 * harness.lease));
      expect((await next.current()).claim).toMatchObject({ attempt: 1, abort: null, begun: true, token: 3 });
      await finish(next);
      checkHistory(await harness.ledger.history());
    },

  'retry while somebody holds the claim leaves that alone': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const before = await held.current();
    await harness.another().retry(OPERATOR);
    expect((await held.current()).claim).toEqual(before.claim);
  },

  'retry right after abort counts, whatever of the abort is still on its way: its end is no failure, and the next claim is given':
    async (harness) => {
      const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
      await held.runStarted('key-0');
      await harness.another().abort(OPERATOR);
      await harness.another().retry(OPERATOR);
      expect((await held.current()).claim.abort).toBeNull();
      expect(await held.stopped('aborted by olga: change freeze')).toBe(false);
      expect((await harness.another().read()).record).toMatchObject({ claim: null, failure: null });
      claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
      const history = await harness.ledger.history();
      checkHistory(history);
      expect(history.map(({ what }) => what)).toEqual([
        'planned',
        'running',
        'aborted',
        'retried',
        'released',
        'planned',
      ]);
    },

  'abort after that retry counts again': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    for (const act of ['abort', 'retry', 'abort'] as const) await harness.another()[act](OPERATOR);
    expect(await held.stopped('aborted by olga: change freeze')).toBe(true);
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('failed');
  },

  'abort of a live claim asks the holder, who keeps the claim until it stops': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.another().abort(OPERATOR);
    expect((await held.current()).claim.abort).toEqual(OPERATOR);
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('held');
    await held.fail('aborted', null);
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('failed');
  },

  'abort of a dead claim ends it: nothing starts until retry': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    await harness.lapse(CLUSTER, held.token);
    await harness.another().abort(OPERATOR);
    expect((await harness.ledger.read()).record).toMatchObject({
      claim: null,
      failure: { error: 'aborted by olga: change freeze', retryAt: null },
    });
    expect(await harness.ledger.claim(requestOf('gate-b'), harness.lease)).toBe('failed');
    await harness.ledger.retry(OPERATOR);
    expect(claimed(await harness.ledger.claim(requestOf('gate-b'), harness.lease)).token).toBe(2);
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(history.map(({ what }) => what)).toEqual([
      'planned',
      'running',
      'aborted',
      'failed',
      'retried',
      'planned',
    ]);
  },

  'abort of nothing is recorded, and opens no circuit': async (harness) => {
    await harness.ledger.abort(OPERATOR);
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    expect((await harness.ledger.history()).map(({ what }) => what)).toEqual(['aborted', 'planned']);
  },
};
