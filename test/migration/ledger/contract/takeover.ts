/** Takeover: after the lease and not before, from where the dead holder's records end. */
import { expect } from 'vitest';
import { checkHistory } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, requestOf } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

export const takeoverRules: Rules = {
  'a dead holder is taken over after its lease, and not before': async (harness) => {
    const before = harness.clock.now();
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.short));
    await harness.almostLapse();
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('held');
    await harness.outlive(CLUSTER, first.token);
    expect(harness.clock.now() - before).toBeGreaterThanOrEqual(harness.short);
    const second = claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
    expect(second.token).toBe(first.token + 1);
    const history = await harness.ledger.history();
    expect(history.map(({ what, token, owner }) => [what, token, owner])).toEqual([
      ['planned', 1, 'gate-a'],
      ['taken-over', 2, 'gate-b'],
      ['planned', 2, 'gate-b'],
    ]);
    expect(history[1]?.reason).toBe('the lease of gate-a lapsed');
  },

  'how long a lease still runs, where the store says so, is no more than it was given for, and gone once it lapsed':
    async (harness) => {
      expect((await harness.ledger.read()).leaseLeftMs).toBeUndefined();
      const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.short));
      const { leaseAlive, leaseLeftMs = harness.short } = await harness.another().read();
      expect(leaseAlive).toBe(true);
      expect(leaseLeftMs).toBeGreaterThan(0);
      expect(leaseLeftMs).toBeLessThanOrEqual(harness.short);
      await harness.outlive(CLUSTER, held.token);
      expect((await harness.another().read()).leaseLeftMs).toBeUndefined();
    },

  'where a holder that lost its claim gives up by itself, its gate is not said to have ended': async (
    harness,
  ) => {
    for (const [by, why] of [
      ['gate-a', /^attempt 2 lost its claim: its gate, gate-a, was cut off/],
      ['gate-b', /^attempt 2 ended with its gate, gate-a \(killed/],
    ] as const) {
      const request = { ...requestOf('gate-a'), attempts: 2 };
      for (const attempt of [1, 2]) {
        const held = claimed(await harness.another().claim(request, harness.lease));
        expect((await held.current()).claim.attempt).toBe(attempt);
        await held.runStarted('key-0');
        await harness.lapse(CLUSTER, held.token);
      }
      expect(await harness.another().claim({ ...request, owner: by }, harness.lease)).toBe('given-up');
      expect((await harness.ledger.read()).record.failure?.error).toMatch(why);
      await harness.ledger.retry(OPERATOR);
    }
  },

  'it goes on after the last completed step, and keeps what the dead one began': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await first.runStarted('key-1');
    const process = { host: 'h1', pid: 4711, started: 'boot:1' };
    await first.note({ process });
    await harness.lapse(CLUSTER, first.token);
    const second = claimed(await harness.another().claim(requestOf('gate-b'), 10 * harness.lease));
    const { record, claim } = await second.current();
    expect(record).toMatchObject({ level: 3, release: '4.1.0' });
    expect(claim).toMatchObject({ runsDone: 1, begun: true, process, checksum: '4.0.0-4.2.0' });
    await finish(second);
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(
      history.filter(({ what }) => what === 'step-done').map(({ step, token }) => [step, token]),
    ).toEqual([
      [1, 1],
      [2, 2],
    ]);
  },

  'a claim whose work is all done is taken over only to be ended': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await harness.lapse(CLUSTER, first.token);
    const nothing = requestOf('gate-b', '4.14.0', '4.14.0');
    const second = claimed(await harness.another().claim(nothing, 10 * harness.lease));
    expect((await second.current()).claim).toMatchObject({ runsDone: 1 });
    await second.complete();
    const history = await harness.ledger.history();
    checkHistory(history);
    expect(history.filter(({ what }) => what === 'step-done')).toHaveLength(1);
    expect((await harness.ledger.read()).record).toMatchObject({ claim: null, level: 28, release: '4.14.0' });
  },

  'a plan that leads elsewhere replaces the one of the dead holder': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
    await harness.lapse(CLUSTER, first.token);
    const wanted = requestOf('gate-b', '4.13.0', '4.16.0');
    const second = claimed(await harness.another().claim(wanted, 10 * harness.lease));
    expect((await second.current()).claim).toMatchObject({ plan: wanted.plan, runsDone: 0, begun: false });
    await finish(second);
    checkHistory(await harness.ledger.history());
    expect((await harness.ledger.read()).record).toMatchObject({ level: 33, release: '4.16.0' });
  },

  'an abort that the dead holder did not live to see is still asked for after the takeover': async (
    harness,
  ) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.another().abort(OPERATOR);
    await harness.lapse(CLUSTER, first.token);
    const second = claimed(await harness.another().claim(requestOf('gate-b'), 10 * harness.lease));
    expect((await second.current()).claim.abort).toEqual(OPERATOR);
  },

  'holders that die one after the other are taken over up to a number of attempts; then an operator has to act':
    async (harness) => {
      const request = { ...requestOf('gate-a', '4.13.0', '4.14.0'), attempts: 3 };
      for (const attempt of [1, 2, 3]) {
        const held = claimed(await harness.another().claim(request, harness.lease));
        expect((await held.current()).claim.attempt).toBe(attempt);
        await held.runStarted('key-0');
        await harness.lapse(CLUSTER, held.token);
      }
      const other = { ...request, owner: 'gate-b' };
      expect(await harness.another().claim(other, harness.lease)).toBe('given-up');
      expect(await harness.another().claim(other, harness.lease)).toBe('failed');
      const { record } = await harness.ledger.read();
      expect(record).toMatchObject({ claim: null, token: 3, failure: { attempts: 3, retryAt: null } });
      expect(record.failure?.error).toMatch(/^attempt 3 ended with its gate, gate-a/);
      checkHistory(await harness.ledger.history());
      await harness.another().retry(OPERATOR);
      const next = claimed(await harness.another().claim(request, 10 * harness.lease));
      expect((await next.current()).claim).toMatchObject({ attempt: 1, token: 4 });
      await finish(next);
      checkHistory(await harness.ledger.history());
    },

  'one death is always survived, and an upgrade whose runs are all done is always ended': async (harness) => {
    const request = { ...requestOf('gate-a', '4.13.0', '4.14.0'), attempts: 1 };
    const first = claimed(await harness.ledger.claim(request, harness.lease));
    await first.runStarted('key-0');
    await harness.lapse(CLUSTER, first.token);
    const second = claimed(await harness.another().claim(request, harness.lease));
    await second.runStarted('key-0');
    await second.runDone(0, 'key-0', true);
    await harness.lapse(CLUSTER, second.token);
    const third = claimed(await harness.another().claim(request, 10 * harness.lease));
    await third.complete();
    expect((await harness.ledger.read()).record).toMatchObject({ level: 28, claim: null, failure: null });
  },

  'a process that may have outlived its claim is not forgotten with it: after an abort, a failure or a release the next holder looks for it':
    async (harness) => {
      const process = { host: 'h1', pid: 4711, started: 'boot:1' };
      const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
      await first.note({ process });
      await harness.lapse(CLUSTER, first.token);
      await harness.another().abort(OPERATOR);
      await harness.another().retry(OPERATOR);
      const long = 100 * harness.lease;
      const second = claimed(await harness.another().claim(requestOf('gate-b'), long));
      expect((await second.current()).claim.process).toEqual(process);
      await second.fail('it can not be ended', harness.clock.now());
      const third = claimed(await harness.another().claim(requestOf('gate-b'), long));
      expect((await third.current()).claim.process).toEqual(process);
      await third.release('the gate stops');
      const fourth = claimed(await harness.another().claim(requestOf('gate-b'), long));
      expect((await fourth.current()).claim.process).toEqual(process);
      await fourth.runStarted('key-0');
      await fourth.fail('no space left', harness.clock.now());
      const fifth = claimed(await harness.another().claim(requestOf('gate-b'), long));
      expect((await fifth.current()).claim.process).toBeNull();
    },

  'tables that went back while nobody held the claim are upgraded from where they are': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await harness.lapse(CLUSTER, first.token);
    await harness.another().observe(0, '4.0.0', 'gate-b');
    const second = claimed(await harness.another().claim(requestOf('gate-b'), 10 * harness.lease));
    expect((await second.current()).claim).toMatchObject({ runsDone: 0, begun: false });
    await finish(second);
    checkHistory(await harness.ledger.history());
    expect((await harness.ledger.read()).record).toMatchObject({ level: 4, epoch: 2 });
  },
};
