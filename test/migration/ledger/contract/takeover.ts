/** Takeover: after the lease and not before, from where the dead holder's records end. */
import { expect } from 'vitest';
import { checkHistory } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, requestOf } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../bench.ts';

export const takeoverRules: Rules = {
  'a dead holder is taken over after its lease, and not before': async (bench) => {
    const before = bench.clock.now();
    const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.short));
    await bench.almostLapse();
    expect(await bench.another().claim(requestOf('gate-b'), bench.lease)).toBe('held');
    await bench.outlive(CLUSTER, first.token);
    expect(bench.clock.now() - before).toBeGreaterThanOrEqual(bench.short);
    const second = claimed(await bench.another().claim(requestOf('gate-b'), bench.lease));
    expect(second.token).toBe(first.token + 1);
    const history = await bench.ledger.history();
    expect(history.map(({ what, token, owner }) => [what, token, owner])).toEqual([
      ['planned', 1, 'gate-a'],
      ['taken-over', 2, 'gate-b'],
      ['planned', 2, 'gate-b'],
    ]);
    expect(history[1]?.reason).toBe('the lease of gate-a lapsed');
  },

  'where a holder that lost its claim gives up by itself, its gate is not said to have ended': async (
    bench,
  ) => {
    for (const [by, why] of [
      ['gate-a', /^attempt 2 lost its claim: its gate, gate-a, was cut off/],
      ['gate-b', /^attempt 2 ended with its gate, gate-a \(killed/],
    ] as const) {
      const request = { ...requestOf('gate-a'), attempts: 2 };
      for (const attempt of [1, 2]) {
        const held = claimed(await bench.another().claim(request, bench.lease));
        expect((await held.current()).claim.attempt).toBe(attempt);
        await held.runStarted('key-0');
        await bench.lapse(CLUSTER, held.token);
      }
      expect(await bench.another().claim({ ...request, owner: by }, bench.lease)).toBe('given-up');
      expect((await bench.ledger.read()).record.failure?.error).toMatch(why);
      await bench.ledger.retry(OPERATOR);
    }
  },

  'it goes on after the last completed step, and keeps what the dead one began': async (bench) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await first.runStarted('key-1');
    const process = { host: 'h1', pid: 4711, started: 'boot:1' };
    await first.note({ process });
    await bench.lapse(CLUSTER, first.token);
    const second = claimed(await bench.another().claim(requestOf('gate-b'), 10 * bench.lease));
    const { record, claim } = await second.current();
    expect(record).toMatchObject({ level: 3, release: '4.1.0' });
    expect(claim).toMatchObject({ runsDone: 1, begun: true, process, checksum: '4.0.0-4.2.0' });
    await finish(second);
    const history = await bench.ledger.history();
    checkHistory(history);
    expect(
      history.filter(({ what }) => what === 'step-done').map(({ step, token }) => [step, token]),
    ).toEqual([
      [1, 1],
      [2, 2],
    ]);
  },

  'a claim whose work is all done is taken over only to be ended': async (bench) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), bench.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await bench.lapse(CLUSTER, first.token);
    const nothing = requestOf('gate-b', '4.14.0', '4.14.0');
    const second = claimed(await bench.another().claim(nothing, 10 * bench.lease));
    expect((await second.current()).claim).toMatchObject({ runsDone: 1 });
    await second.complete();
    const history = await bench.ledger.history();
    checkHistory(history);
    expect(history.filter(({ what }) => what === 'step-done')).toHaveLength(1);
    expect((await bench.ledger.read()).record).toMatchObject({ claim: null, level: 28, release: '4.14.0' });
  },

  'a plan that leads elsewhere replaces the one of the dead holder': async (bench) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), bench.lease));
    await bench.lapse(CLUSTER, first.token);
    const wanted = requestOf('gate-b', '4.13.0', '4.16.0');
    const second = claimed(await bench.another().claim(wanted, 10 * bench.lease));
    expect((await second.current()).claim).toMatchObject({ plan: wanted.plan, runsDone: 0, begun: false });
    await finish(second);
    checkHistory(await bench.ledger.history());
    expect((await bench.ledger.read()).record).toMatchObject({ level: 33, release: '4.16.0' });
  },

  'an abort that the dead holder did not live to see is still asked for after the takeover': async (
    bench,
  ) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await bench.another().abort(OPERATOR);
    await bench.lapse(CLUSTER, first.token);
    const second = claimed(await bench.another().claim(requestOf('gate-b'), 10 * bench.lease));
    expect((await second.current()).claim.abort).toEqual(OPERATOR);
  },

  'holders that die one after the other are taken over up to a number of attempts; then an operator has to act':
    async (bench) => {
      const request = { ...requestOf('gate-a', '4.13.0', '4.14.0'), attempts: 3 };
      for (const attempt of [1, 2, 3]) {
        const held = claimed(await bench.another().claim(request, bench.lease));
        expect((await held.current()).claim.attempt).toBe(attempt);
        await held.runStarted('key-0');
        await bench.lapse(CLUSTER, held.token);
      }
      const other = { ...request, owner: 'gate-b' };
      expect(await bench.another().claim(other, bench.lease)).toBe('given-up');
      expect(await bench.another().claim(other, bench.lease)).toBe('failed');
      const { record } = await bench.ledger.read();
      expect(record).toMatchObject({ claim: null, token: 3, failure: { attempts: 3, retryAt: null } });
      expect(record.failure?.error).toMatch(/^attempt 3 ended with its gate, gate-a/);
      checkHistory(await bench.ledger.history());
      await bench.another().retry(OPERATOR);
      const next = claimed(await bench.another().claim(request, 10 * bench.lease));
      expect((await next.current()).claim).toMatchObject({ attempt: 1, token: 4 });
      await finish(next);
      checkHistory(await bench.ledger.history());
    },

  'one death is always survived, and an upgrade whose runs are all done is always ended': async (bench) => {
    const request = { ...requestOf('gate-a', '4.13.0', '4.14.0'), attempts: 1 };
    const first = claimed(await bench.ledger.claim(request, bench.lease));
    await first.runStarted('key-0');
    await bench.lapse(CLUSTER, first.token);
    const second = claimed(await bench.another().claim(request, bench.lease));
    await second.runStarted('key-0');
    await second.runDone(0, 'key-0', true);
    await bench.lapse(CLUSTER, second.token);
    const third = claimed(await bench.another().claim(request, 10 * bench.lease));
    await third.complete();
    expect((await bench.ledger.read()).record).toMatchObject({ level: 28, claim: null, failure: null });
  },

  'a process that may have outlived its claim is not forgotten with it: after an abort, a failure or a release the next holder looks for it':
    async (bench) => {
      const process = { host: 'h1', pid: 4711, started: 'boot:1' };
      const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
      await first.note({ process });
      await bench.lapse(CLUSTER, first.token);
      await bench.another().abort(OPERATOR);
      await bench.another().retry(OPERATOR);
      const long = 100 * bench.lease;
      const second = claimed(await bench.another().claim(requestOf('gate-b'), long));
      expect((await second.current()).claim.process).toEqual(process);
      await second.fail('it can not be ended', bench.clock.now());
      const third = claimed(await bench.another().claim(requestOf('gate-b'), long));
      expect((await third.current()).claim.process).toEqual(process);
      await third.release('the gate stops');
      const fourth = claimed(await bench.another().claim(requestOf('gate-b'), long));
      expect((await fourth.current()).claim.process).toEqual(process);
      await fourth.runStarted('key-0');
      await fourth.fail('no space left', bench.clock.now());
      const fifth = claimed(await bench.another().claim(requestOf('gate-b'), long));
      expect((await fifth.current()).claim.process).toBeNull();
    },

  'tables that went back while nobody held the claim are upgraded from where they are': async (bench) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await first.runStarted('key-0');
    await first.runDone(0, 'key-0', true);
    await bench.lapse(CLUSTER, first.token);
    await bench.another().observe(0, '4.0.0', 'gate-b');
    const second = claimed(await bench.another().claim(requestOf('gate-b'), 10 * bench.lease));
    expect((await second.current()).claim).toMatchObject({ runsDone: 0, begun: false });
    await finish(second);
    checkHistory(await bench.ledger.history());
    expect((await bench.ledger.read()).record).toMatchObject({ level: 4, epoch: 2 });
  },
};
