/** Claims: owner, lease, token, and what can't be written without them. */
import { expect } from 'vitest';
import { ClaimLost, type HeldClaim, Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { claimed, finish, losingAnswers, OPERATOR, requestOf, stalling } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../bench.ts';

/** Every way in which a holder writes. */
const WRITES: Readonly<Record<string, (held: HeldClaim) => Promise<unknown>>> = {
  runStarted: (held) => held.runStarted('key'),
  runDone: (held) => held.runDone(0, 'key', true),
  note: (held) => held.note({ progress: { done: 0.5, text: 'half' } }),
  restored: (held) => held.restored('snapshot 7'),
  complete: (held) => held.complete(),
  fail: (held) => held.fail('no disk', null),
  release: (held) => held.release('the gate stops'),
};

export const claimRules: Rules = {
  'a claim has an owner, a plan, an attempt, a token and a live lease': async ({ ledger, lease }) => {
    const held = claimed(await ledger.claim(requestOf('gate-a'), lease));
    const { record, leaseAlive } = await ledger.read();
    expect(record.claim).toMatchObject({
      owner: 'gate-a',
      token: held.token,
      attempt: 1,
      checksum: '4.0.0-4.2.0',
      runsDone: 0,
      begun: false,
      trigger: { client: '4.2.0' },
    });
    expect(held.token).toBe(1);
    expect(leaseAlive).toBe(true);
    expect((await held.current()).claim).toEqual(record.claim);
  },

  'tokens only grow: over completions, failures, releases, aborts, and store objects opened anew': async (
    bench,
  ) => {
    const tokens: number[] = [];
    const next = async (to: string) => {
      const held = claimed(await bench.another().claim(requestOf('gate-a', '4.13.0', to), bench.lease));
      tokens.push(held.token);
      return held;
    };
    await (await next('4.14.0')).fail('no disk', bench.clock.now());
    await (await next('4.14.0')).release('the gate stops');
    await finish(await next('4.14.0'));
    const aborted = await next('4.15.0');
    await bench.lapse(CLUSTER, aborted.token);
    await bench.another().abort(OPERATOR);
    await bench.another().retry(OPERATOR);
    await next('4.15.0');
    expect(tokens).toEqual([1, 2, 3, 4, 5]);
  },

  'a token is higher than any that a server has seen': async ({ ledger, lease }) => {
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.0.0', '4.2.0', 41), lease));
    expect(held.token).toBe(42);
    expect((await ledger.read()).record.token).toBe(42);
  },

  'a second claim is denied while the first is held, and changes nothing': async (bench) => {
    claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    const before = await bench.fingerprint();
    expect(await bench.another().claim(requestOf('gate-b'), bench.lease)).toBe('held');
    expect(await bench.ledger.claim(requestOf('gate-a'), bench.lease)).toBe('held');
    expect(await bench.fingerprint()).toBe(before);
  },

  'without anything to do no claim is given, and nothing is written': async (bench) => {
    const before = await bench.fingerprint();
    expect(await bench.ledger.claim(requestOf('gate-a', '4.2.0', '4.2.0'), bench.lease)).toBe(
      'nothing-to-do',
    );
    expect(await bench.fingerprint()).toBe(before);
  },

  'a renewed lease keeps the claim for longer than a lease': async (bench) => {
    const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.short));
    // Granted later and not renewed: when it is gone, more than the first lease has passed.
    const other = claimed(await bench.another('other').claim(requestOf('gate-a'), bench.short));
    const renewals: boolean[] = [];
    await bench.outlive('other', other.token, async () => renewals.push(await held.renew()));
    expect(renewals.length).toBeGreaterThanOrEqual(2);
    expect(new Set(renewals)).toEqual(new Set([true]));
    expect(await bench.another().claim(requestOf('gate-b'), bench.lease)).toBe('held');
    await finish(held);
    expect((await bench.ledger.read()).record).toMatchObject({ claim: null, level: 4, release: '4.2.0' });
  },

  'past its lease a holder can write nothing, though nobody took over': async (bench) => {
    const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await held.runStarted('key-0');
    await bench.lapse(CLUSTER, held.token);
    expect((await bench.ledger.read()).leaseAlive).toBe(false);
    const before = await bench.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
    await expect(held.current()).rejects.toBeInstanceOf(ClaimLost);
    expect(await bench.fingerprint()).toBe(before);
  },

  'a holder that is paused between its look and its write, past its lease, writes nothing': async (bench) => {
    const { store, stallNext } = stalling(bench.open());
    const ledger = new Ledger(store, CLUSTER, bench.clock);
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), bench.lease));
    await held.runStarted('key-0');
    const before = await bench.fingerprint();
    stallNext(() => bench.lapse(CLUSTER, held.token));
    await expect(held.runDone(0, 'key-0', true)).rejects.toBeInstanceOf(ClaimLost);
    expect(await bench.fingerprint()).toBe(before);
  },

  'a lease that lapsed is not renewed again': async (bench) => {
    const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await bench.lapse(CLUSTER, held.token);
    expect(await held.renew()).toBe(false);
    expect(await held.renew()).toBe(false);
    expect((await bench.ledger.read()).leaseAlive).toBe(false);
  },

  'once taken over, the first holder can write nothing and renew nothing': async (bench) => {
    const first = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await bench.lapse(CLUSTER, first.token);
    const second = claimed(await bench.another().claim(requestOf('gate-b'), 10 * bench.lease));
    const before = await bench.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(first), name).rejects.toBeInstanceOf(ClaimLost);
    expect(await first.renew()).toBe(false);
    expect(await bench.fingerprint()).toBe(before);
    await finish(second);
    expect((await bench.ledger.history()).filter(({ what }) => what === 'done')).toHaveLength(1);
  },

  'once it has ended its claim, a holder can write nothing more': async (bench) => {
    const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await finish(held);
    const before = await bench.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
    expect(await held.renew()).toBe(false);
    expect(await bench.fingerprint()).toBe(before);
  },

  'a claim of the same token by somebody else, as after the loss of a ledger, is not taken for the own one':
    async (bench) => {
      const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
      const { record } = await bench.another().read();
      const theirs = { ...record, claim: { ...record.claim, owner: 'gate-b' }, writes: record.writes + 1 };
      await bench.plant(CLUSTER, JSON.stringify(theirs));
      const before = await bench.fingerprint();
      for (const [name, write] of Object.entries(WRITES))
        await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
      expect(await bench.fingerprint()).toBe(before);
      expect(await held.renew()).toBe(false);
    },

  'a step whose record was answered by silence counts once': async (bench) => {
    const { store, loseNext } = losingAnswers(bench.open());
    const ledger = new Ledger(store, CLUSTER, bench.clock);
    const held = claimed(await ledger.claim(requestOf('gate-a'), bench.lease));
    await held.runStarted('key-0');
    loseNext();
    await bench.finish(held.runDone(0, 'key-0', true));
    await held.runDone(0, 'key-0', true);
    expect((await held.current()).claim.runsDone).toBe(1);
    await held.runStarted('key-1');
    await held.runDone(1, 'key-1', true);
    await held.complete();
    const steps = (await ledger.history()).filter(({ what }) => what === 'step-done');
    expect(steps.map(({ step, key }) => [step, key])).toEqual([
      [1, 'key-0'],
      [2, 'key-1'],
    ]);
  },

  'progress and the process of a hook are kept with the claim, and gone with the next run': async (bench) => {
    const held = claimed(await bench.ledger.claim(requestOf('gate-a'), bench.lease));
    await held.runStarted('key-0');
    const process = { host: 'h1', pid: 4711, started: 'boot:1' };
    await held.note({ process });
    await held.note({ progress: { done: 0.5, text: 'indexes' } });
    const { record } = await bench.another().read();
    expect(record.claim).toMatchObject({ process, progress: { done: 0.5, text: 'indexes' }, begun: true });
    await held.runDone(0, 'key-0', true);
    const after = (await bench.another().read()).record;
    expect(after.claim).toMatchObject({ process: null, progress: null, begun: false, runsDone: 1 });
  },
};
