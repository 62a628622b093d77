/** What the store itself refuses, whatever its caller thinks: the last guard against a holder that has lost its claim. */
import { expect } from 'vitest';
import { claimed, requestOf } from '../../../support/ledger.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

/** Every swap adds a line, which tells it from others. */
const HISTORY = [{ what: 'retried', at: 1 }] as const;

export const guardRules: Rules = {
  'a swap under a token whose lease is gone changes nothing, though it expects the record as it is': async (
    harness,
  ) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.lapse(CLUSTER, held.token);
    const store = harness.open();
    const before = await store.read(CLUSTER);
    const swap = { expect: before.revision, text: before.text ?? '', history: HISTORY };
    expect(before.alive).toEqual(new Set());
    const fingerprint = await harness.fingerprint();
    expect(await store.swap(CLUSTER, { ...swap, guard: held.token })).toBe(false);
    expect(await harness.fingerprint()).toBe(fingerprint);
    // It was the guard alone that was in the way.
    expect(await store.swap(CLUSTER, swap)).toBe(true);
  },

  'a swap that wants a lease gone changes nothing while it lives': async (harness) => {
    const held = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const store = harness.open();
    const { revision, text } = await store.read(CLUSTER);
    const swap = { expect: revision, text: text ?? '', history: HISTORY };
    expect(await store.swap(CLUSTER, { ...swap, vacant: held.token })).toBe(false);
    expect(await store.swap(CLUSTER, { ...swap, guard: held.token })).toBe(true);
  },
};
