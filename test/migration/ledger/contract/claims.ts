/** Claims: owner, lease, token, and what can't be written without them. */
import { expect } from 'vitest';
import { ClaimLost, type HeldClaim } from '../../../../src/migration/ledger/held-claim.ts';
import { Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { claimed, finish, losingAnswers, OPERATOR, requestOf, stalling } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

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
    harness,
  ) => {
    const tokens: number[] = [];
    const next = async (to: string) => {
      const held = claimed(await harness.another().claim(requestOf('gate-a', '4.13.0', to), harness.lease));
      tokens.push(held.token);
      return held;
    };
    await (await next('4.14.0')).fail('no disk', harness.clock.now());
    await (await next('4.14.0')).release('the gate stops');
    await finish(await next('4.14.0'));
    const aborted = await next('4.15.0');
    await harness.lapse(CLUSTER, aborted.token);
    await harness.another().abort(OPERATOR);
    await harness.another().retry(OPERATOR);
    await next('4.15.0');
    expect(tokens).toEqual([1, 2, 3, 4, 5]);
  },

  'once another gate has put it on record that the ledger is in doubt, the claim is in force no more, and nothing is written under it':
    async (harness) => {
      const { ledger, lease } = harness;
      const witness = harness.another();
      await ledger.observe(0, '4.0.0', 'gate-b');
      await witness.read();
      const held = claimed(await ledger.claim(requestOf('gate-a'), lease));
      await held.runStarted('key-0');
      const { record } = await ledger.read();
      await harness.plant(CLUSTER, JSON.stringify({ ...record, id: 'in its place' }));
      await witness.recordDoubt('gate-b');
      const before = await harness.fingerprint();
      for (const [name, write] of Object.entries(WRITES))
        await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
      await expect(held.current()).rejects.toBeInstanceOf(ClaimLost);
      expect(await harness.fingerprint()).toBe(before);
      expect(await held.renew()).toBe(false);
      expect((await ledger.read()).record).toMatchObject({ level: 0, doubt: { by: 'gate-b' } });
    },

  'a token is higher than any that a server has seen': async ({ ledger, lease }) => {
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.0.0', '4.2.0', 41), lease));
    expect(held.token).toBe(42);
    expect((await ledger.read()).record.token).toBe(42);
  },

  'a second claim is denied while the first is held, and changes nothing': async (harness) => {
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const before = await harness.fingerprint();
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('held');
    expect(await harness.ledger.claim(requestOf('gate-a'), harness.lease)).toBe('held');
    expect(await harness.fingerprint()).toBe(before);
  },

  'without anything to do no claim is given, and nothing is written': async (harness) => {
    const before = await harness.fingerprint();
    expect(await harness.ledger.claim(requestOf('gate-a', '4.2.0', '4.2.0'), harness.lease)).toBe(
      'nothing-to-do',
    );
    expect(await harness.fingerprint()).toBe(before);
  },

  'a renewed lease keeps the claim for longer than a lease': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.short));
    // Granted later and not renewed: when it is gone, more than the first lease has passed.
    const other = claimed(await harness.another('other').claim(requestOf('gate-a'), harness.short));
    const renewals: boolean[] = [];
    await harness.outlive('other', other.token, async () => renewals.push(await held.renew()));
    expect(renewals.length).toBeGreaterThanOrEqual(2);
    expect(new Set(renewals)).toEqual(new Set([true]));
    expect(await harness.another().claim(requestOf('gate-b'), harness.lease)).toBe('held');
    await finish(held);
    expect((await harness.ledger.read()).record).toMatchObject({ claim: null, level: 4, release: '4.2.0' });
  },

  'past its lease a holder can write nothing, though nobody took over': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    await harness.lapse(CLUSTER, held.token);
    expect((await harness.ledger.read()).leaseAlive).toBe(false);
    const before = await harness.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
    await expect(held.current()).rejects.toBeInstanceOf(ClaimLost);
    expect(await harness.fingerprint()).toBe(before);
  },

  'a holder that is paused between its look and its write, past its lease, writes nothing': async (
    harness,
  ) => {
    const { store, stallNext } = stalling(harness.open());
    const ledger = new Ledger(store, CLUSTER, harness.clock);
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), harness.lease));
    await held.runStarted('key-0');
    const before = await harness.fingerprint();
    stallNext(() => harness.lapse(CLUSTER, held.token));
    await expect(held.runDone(0, 'key-0', true)).rejects.toBeInstanceOf(ClaimLost);
    expect(await harness.fingerprint()).toBe(before);
  },

  'a lease that lapsed is not renewed again': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.lapse(CLUSTER, held.token);
    expect(await held.renew()).toBe(false);
    expect(await held.renew()).toBe(false);
    expect((await harness.ledger.read()).leaseAlive).toBe(false);
  },

  'once taken over, the first holder can write nothing and renew nothing': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.lapse(CLUSTER, first.token);
    const second = claimed(await harness.another().claim(requestOf('gate-b'), 10 * harness.lease));
    const before = await harness.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(first), name).rejects.toBeInstanceOf(ClaimLost);
    expect(await first.renew()).toBe(false);
    expect(await harness.fingerprint()).toBe(before);
    await finish(second);
    expect((await harness.ledger.history()).filter(({ what }) => what === 'done')).toHaveLength(1);
  },

  'once it has ended its claim, a holder can write nothing more': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await finish(held);
    const before = await harness.fingerprint();
    for (const [name, write] of Object.entries(WRITES))
      await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
    expect(await held.renew()).toBe(false);
    expect(await harness.fingerprint()).toBe(before);
  },

  'a claim of the same token by somebody else, as after the loss of a ledger, is not taken for the own one':
    async (harness) => {
      const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
      const { record } = await harness.another().read();
      const theirs = { ...record, claim: { ...record.claim, owner: 'gate-b' }, writes: record.writes + 1 };
      await harness.plant(CLUSTER, JSON.stringify(theirs));
      const before = await harness.fingerprint();
      for (const [name, write] of Object.entries(WRITES))
        await expect(write(held), name).rejects.toBeInstanceOf(ClaimLost);
      expect(await harness.fingerprint()).toBe(before);
      expect(await held.renew()).toBe(false);
    },

  'a step whose record was answered by silence counts once': async (harness) => {
    const { store, loseNext } = losingAnswers(harness.open());
    const ledger = new Ledger(store, CLUSTER, harness.clock);
    const held = claimed(await ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    loseNext();
    await harness.finish(held.runDone(0, 'key-0', true));
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

  'progress and the process of a hook are kept with the claim, and gone with the next run': async (
    harness,
  ) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await held.runStarted('key-0');
    const process = { host: 'h1', pid: 4711, started: 'boot:1' };
    await held.note({ process });
    await held.note({ progress: { done: 0.5, text: 'indexes' } });
    const { record } = await harness.another().read();
    expect(record.claim).toMatchObject({ process, progress: { done: 0.5, text: 'indexes' }, begun: true });
    await held.runDone(0, 'key-0', true);
    const after = (await harness.another().read()).record;
    expect(after.claim).toMatchObject({ process: null, progress: null, begun: false, runsDone: 1 });
  },
};
