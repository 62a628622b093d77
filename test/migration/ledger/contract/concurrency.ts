/** Several at once: one wins, waiters change nothing, clusters keep apart, changes are told. */
import { expect } from 'vitest';
import { HeldClaim } from '../../../../src/migration/ledger/held-claim.ts';
import { Ledger } from '../../../../src/migration/ledger/ledger.ts';
import { Changes } from '../../../../src/ports/changes.ts';
import { checkHistory } from '../../../support/check-history.ts';
import { claimed, finish, OPERATOR, requestOf, stalling } from '../../../support/ledger.ts';
import { until } from '../../../support/until.ts';
import { CLUSTER, type Rules } from '../contract-harness.ts';

const RACERS = 50;
const STORES = 5;
/** A lease that no slow machine outlives, ms. */
const LONG = 60_000;

export const concurrencyRules: Rules = {
  'fifty claim at once on a store that was never used: exactly one wins, one token is given': async (
    harness,
  ) => {
    const ledgers = Array.from({ length: STORES }, () => harness.another());
    const outcomes = await Promise.all(
      Array.from({ length: RACERS }, (_, at) =>
        (ledgers[at % STORES] as typeof harness.ledger).claim(requestOf(`gate-${at}`), harness.lease),
      ),
    );
    const winners = outcomes.filter((outcome) => outcome instanceof HeldClaim);
    expect(winners).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(RACERS - 1);
    expect((await harness.ledger.read()).record.token).toBe(1);
    expect((await harness.ledger.history()).map(({ what }) => what)).toEqual(['planned']);
  },

  'fifty take over a dead holder at once: exactly one does': async (harness) => {
    const dead = claimed(await harness.ledger.claim(requestOf('dead'), harness.lease));
    await harness.lapse(CLUSTER, dead.token);
    const ledgers = Array.from({ length: STORES }, () => harness.another());
    const outcomes = await Promise.all(
      Array.from({ length: RACERS }, (_, at) =>
        (ledgers[at % STORES] as typeof harness.ledger).claim(requestOf(`gate-${at}`), 10 * harness.lease),
      ),
    );
    expect(outcomes.filter((outcome) => outcome instanceof HeldClaim)).toHaveLength(1);
    expect((await harness.ledger.read()).record.token).toBe(2);
    checkHistory(await harness.ledger.history());
  },

  'what different ones change at once is all there afterwards': async (harness) => {
    const ledgers = Array.from({ length: STORES }, () => harness.another());
    await Promise.all(ledgers.map((ledger, at) => ledger.see(`client-${at}`, 100)));
    const { record } = await harness.ledger.read();
    expect([...record.seen].sort()).toEqual(ledgers.map((_, at) => `client-${at}`));
  },

  'what two operators say at once is both on record, also where the second changes nothing': async (
    harness,
  ) => {
    const { store, stallNext } = stalling(harness.open());
    stallNext(async () => {
      await harness.another().retry(OPERATOR);
    });
    await new Ledger(store, CLUSTER, harness.clock).retry({ by: 'oscar', reason: 'the disk has room again' });
    expect((await harness.ledger.history()).map(({ what, by }) => [what, by])).toEqual([
      ['retried', 'olga'],
      ['retried', 'oscar'],
    ]);
  },

  'a waiter that asks and gives up changes nothing': async (harness) => {
    claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const before = await harness.fingerprint();
    const waiter = harness.another();
    for (let tries = 0; tries < 3; tries++)
      expect(await waiter.claim(requestOf('gate-b'), harness.lease)).toBe('held');
    await waiter.read();
    await waiter.observe(0, '4.0.0', 'gate-b');
    expect(await harness.fingerprint()).toBe(before);
  },

  'a waiter that wins later reads what is there now: nothing is left to do': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    const waiter = harness.another();
    expect(await waiter.claim(requestOf('gate-b'), harness.lease)).toBe('held');
    await finish(first);
    const { record } = await waiter.read();
    expect(record).toMatchObject({ level: 4, release: '4.2.0', claim: null });
    expect(await waiter.claim(requestOf('gate-b', '4.2.0', '4.2.0'), harness.lease)).toBe('nothing-to-do');
    expect((await harness.ledger.history()).filter(({ what }) => what === 'planned')).toHaveLength(1);
  },

  'clusters in one store keep apart: claims, leases, tokens, blocks and histories, whatever their names':
    async (harness) => {
      const names = ['main', 'main/history', 'main/state', 'Main', 'a b:%2F"\n', "o'hara"];
      const ledgers = names.map((name) => harness.another(name));
      const [main, ...others] = ledgers as [typeof harness.ledger, ...(typeof harness.ledger)[]];
      const held = claimed(await main.claim(requestOf('gate-a'), LONG));
      for (const other of others) {
        const view = await other.read();
        expect([other.cluster, view.record.token, view.leaseAlive]).toEqual([other.cluster, 0, false]);
        expect(await other.history()).toEqual([]);
        const own = claimed(await other.claim(requestOf('gate-b'), harness.lease));
        expect(own.token).toBe(1);
        await own.release('not needed');
      }
      expect(await held.renew()).toBe(true);
      await harness.another('Main').block(OPERATOR, null);
      await finish(held);
      expect((await main.history()).map(({ owner }) => owner)).not.toContain('gate-b');
      expect((await main.read()).record.block).toBeNull();
      for (const other of others)
        expect((await other.history()).map(({ what }) => what)).toContain('released');
    },

  'the lease of one cluster keeps no claim of another alive': async (harness) => {
    const first = claimed(await harness.ledger.claim(requestOf('gate-a'), harness.lease));
    await harness.lapse(CLUSTER, first.token);
    const other = claimed(await harness.another('other').claim(requestOf('gate-a'), 10 * harness.lease));
    expect(other.token).toBe(first.token);
    expect((await harness.ledger.read()).leaseAlive).toBe(false);
    expect(await first.renew()).toBe(false);
    claimed(await harness.another().claim(requestOf('gate-b'), harness.lease));
    expect(await other.renew()).toBe(true);
  },

  'a watcher is told of changes by another store object, and of none once it stopped watching': async (
    harness,
  ) => {
    const one = listenTo(harness.another());
    const two = listenTo(harness.another());
    const writer = harness.another();
    for (const client of ['client-0', 'client-1', 'client-2']) {
      const heard = [one.count, two.count];
      await writer.see(client, 10);
      await harness.finish(Promise.all([one.after(heard[0] as number), two.after(heard[1] as number)]));
      expect((await harness.another().read()).record.seen).toContain(client);
    }
    one.stop();
    const stoppedAt = one.count;
    const heard = two.count;
    await writer.see('client-3', 10);
    await harness.finish(two.after(heard));
    expect(one.count).toBe(stoppedAt);
    two.stop();
  },
};

/** Counts what a watcher is told. */
function listenTo(ledger: Ledger) {
  const changes = new Changes();
  const heard = { count: 0 };
  const stop = ledger.watch(() => {
    heard.count++;
    changes.notify();
  });
  return {
    stop,
    get count() {
      return heard.count;
    },
    after: (count: number) => until(changes, () => heard.count > count, 'the watcher is told'),
  };
}
