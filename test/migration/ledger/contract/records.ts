/** Records that are old, foreign or damaged are explained and left alone; a lock from last year is taken over. */
import { expect } from 'vitest';
import type { HeldClaim } from '../../../../src/migration/ledger/held-claim.ts';
import type { Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { emptyRecord, LedgerFormatError } from '../../../../src/migration/ledger/record.ts';
import { checkHistory } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, planOf, requestOf } from '../../../support/ledger.ts';
import { CLUSTER, type Rule, type Rules } from '../contract-harness.ts';

const GOOD = emptyRecord(CLUSTER);

/** Everything that a gate or an operator may try. */
const ACTS: Readonly<Record<string, (ledger: Ledger, lease: number) => Promise<unknown>>> = {
  read: (ledger) => ledger.read(),
  claim: (ledger, lease) => ledger.claim(requestOf('gate-a'), lease),
  observe: (ledger) => ledger.observe(28, '4.14.0', 'gate-a'),
  see: (ledger) => ledger.see('client', 10),
  block: (ledger) => ledger.block(OPERATOR, null),
  unblock: (ledger) => ledger.unblock(OPERATOR),
  approve: (ledger) => ledger.approve(OPERATOR),
  retry: (ledger) => ledger.retry(OPERATOR),
  abort: (ledger) => ledger.abort(OPERATOR),
  accept: (ledger) => ledger.accept(OPERATOR),
  recordForeign: (ledger) => ledger.recordForeign([{ id: 'another', token: 1 }], 'gate-a'),
};

const refused =
  (text: string, why: RegExp): Rule =>
  async (harness) => {
    await harness.plant(CLUSTER, text);
    const before = await harness.fingerprint();
    for (const [name, act] of Object.entries(ACTS)) {
      const error = await act(harness.another(), harness.lease).catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(LedgerFormatError);
      expect((error as Error).message, name).toMatch(why);
      expect((error as Error).message, name).toContain(CLUSTER);
    }
    expect(await harness.ledger.history()).toEqual([]);
    expect(await harness.fingerprint()).toBe(before);
  };

const without = (field: keyof typeof GOOD) => {
  const { [field]: _left, ...rest } = GOOD;
  return JSON.stringify(rest);
};

export const recordRules: Rules = {
  'a record of a newer format is explained and left alone': refused(
    JSON.stringify({ ...GOOD, format: 2, novelty: true }),
    /format 2, this program knows up to 1: run a newer skewgate/,
  ),
  'half a record': refused(JSON.stringify(GOOD).slice(0, 40), /damaged: it is not JSON/),
  'an empty record': refused('', /damaged: it is not JSON/),
  'a record that is no object': refused('null', /damaged/),
  'a record of something else': refused('{"locked":true,"since":"last year"}', /damaged: format/),
  'a record without a token': refused(without('token'), /damaged: token/),
  'a record without a block field': refused(without('block'), /damaged: block/),
  'a record with a claim that lacks its owner': refused(
    JSON.stringify({ ...GOOD, claim: { token: 3 } }),
    /damaged: claim\.owner/,
  ),
  'the record of another cluster': refused(
    JSON.stringify(emptyRecord('billing')),
    /belongs to cluster billing, not to main/,
  ),

  'a lock from last year, whose lease nobody knows any more, is taken over and recorded': async (harness) => {
    const since = harness.clock.now() - 365 * 86_400_000;
    const { trigger, checksum } = requestOf('gate-of-last-year');
    await harness.plant(
      CLUSTER,
      JSON.stringify({
        ...GOOD,
        level: 0,
        release: '4.0.0',
        token: 7,
        claim: {
          owner: 'gate-of-last-year',
          token: 7,
          attempt: 1,
          plan: planOf('4.0.0', '4.2.0'),
          checksum,
          runsDone: 0,
          begun: true,
          trigger,
          since,
          progress: null,
          process: null,
          abort: null,
        },
      }),
    );
    expect((await harness.ledger.read()).leaseAlive).toBe(false);
    const held: HeldClaim = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    expect(held.token).toBe(8);
    await finish(held);
    const history = await harness.ledger.history();
    expect(history[0]).toMatchObject({
      what: 'taken-over',
      owner: 'gate-a',
      token: 8,
      reason: 'the lease of gate-of-last-year lapsed',
    });
    expect(history.at(-1)).toMatchObject({ what: 'done', token: 8 });
  },

  'other ledgers that upgrade the same servers are on record, each once with its highest token, until this one is accepted':
    async ({ ledger, clock }) => {
      const at = clock.now();
      await ledger.recordForeign([{ id: 'another', token: 1 }], 'gate-a');
      await ledger.recordForeign([{ id: 'another', token: 1 }], 'gate-b');
      await ledger.recordForeign([{ id: 'another', token: 3 }], 'gate-b');
      await ledger.recordForeign([{ id: 'a third', token: 2 }], 'gate-a');
      const { foreign } = (await ledger.read()).record;
      expect(foreign).toMatchObject([
        { id: 'another', token: 3, by: 'gate-b' },
        { id: 'a third', token: 2, by: 'gate-a' },
      ]);
      for (const one of foreign) expect(one.at).toBeGreaterThanOrEqual(at - 5_000);
      await ledger.accept(OPERATOR);
      expect((await ledger.read()).record).toMatchObject({ foreign: [], replaced: ['another', 'a third'] });
      const kinds = (await ledger.history()).map(({ what }) => what);
      expect(kinds).toEqual(['foreign-ledger', 'foreign-ledger', 'foreign-ledger', 'ledger-accepted']);
    },

  'a record that vanished between runs: the next upgrade is planned from what the servers say, above their token':
    async (harness) => {
      const held = claimed(
        await harness.another('vanished').claim(requestOf('gate-a', '4.0.0', '4.2.0', 9), harness.lease),
      );
      expect(held.token).toBe(10);
      await finish(held);
      checkHistory(await harness.another('vanished').history());
    },
};
