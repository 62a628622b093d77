/** etcd in trouble: a leader is killed, a member hangs, a majority is gone, nothing listens. */
import { describe, expect, test } from 'vitest';
import { EtcdStore } from '../../../src/migration/ledger/etcd.ts';
import type { HeldClaim } from '../../../src/migration/ledger/held-claim.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { LedgerUnavailable, type Store, wrapStore } from '../../../src/migration/ledger/store.ts';
import { Changes } from '../../../src/ports/changes.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { checkHistory } from '../../support/check-history.ts';
import { type Etcd, NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { claimed, OPERATOR, requestOf } from '../../support/ledger.ts';
import { until } from '../../support/until.ts';
import { Relay } from '../failure-scenarios/relay.ts';

const LEASE = 20_000;

function openedAt({ hosts }: Pick<Etcd, 'hosts'>, cluster = 'main') {
  const store = new EtcdStore({ hosts });
  return {
    ledger: new Ledger(store, cluster, realClock),
    store,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** Renews in spite of a member that is gone: another attempt reaches another member. */
async function renewed(held: HeldClaim): Promise<boolean> {
  for (const limit = AbortSignal.timeout(10_000); ; ) {
    try {
      return await held.renew();
    } catch (error) {
      if (limit.aborted || !(error instanceof LedgerUnavailable)) throw error;
    }
  }
}

describe.skipIf(NO_ETCD !== null).concurrent('three members', { timeout: 40_000 }, () => {
  test('the leader is killed in mid-upgrade: the holder goes on, and one completion is recorded', async () => {
    await using etcd = await startEtcd(3);
    await using at = openedAt(etcd);
    const held = claimed(await at.ledger.claim(requestOf('gate-a'), LEASE));
    await held.runStarted('key-0');
    await (await etcd.leader()).kill();
    await held.runDone(0, 'key-0', true);
    expect(await renewed(held)).toBe(true);
    await held.runStarted('key-1');
    await held.runDone(1, 'key-1', true);
    await held.complete();
    const history = await at.ledger.history();
    checkHistory(history);
    expect(history.filter(({ what }) => what === 'done').map(({ token }) => token)).toEqual([1]);
    expect((await at.ledger.read()).record).toMatchObject({ level: 4, claim: null, token: 1 });
  });

  test('one hangs: whichever is asked first, each act is done within one deadline', async () => {
    await using etcd = await startEtcd(3);
    await using at = openedAt(etcd);
    const leader = await etcd.leader();
    const follower = etcd.members.find((member) => member !== leader);
    await follower?.pause();
    for (let turn = 0; turn < 8; turn++) {
      const asked = performance.now();
      expect((await at.ledger.block({ by: 'olga', reason: `turn ${turn}` }, null)).block).toMatchObject({
        reason: `turn ${turn}`,
      });
      // A look and a swap.
      expect(performance.now() - asked).toBeLessThan(9_000);
    }
    follower?.resume();
    expect((await at.ledger.history()).map(({ reason }) => reason)).toEqual(
      Array.from({ length: 8 }, (_, turn) => `turn ${turn}`),
    );
  });

  test('without a majority nothing is claimed and nothing is said to be known; with it all is as it was', async () => {
    await using etcd = await startEtcd(3);
    await using at = openedAt(etcd);
    await at.ledger.block(OPERATOR, null);
    await Promise.all([etcd.member(0).kill(), etcd.member(1).kill()]);
    await expect(at.ledger.read()).rejects.toBeInstanceOf(LedgerUnavailable);

    await Promise.all([etcd.member(0).restart(), etcd.member(1).restart()]);
    await using again = openedAt(etcd);
    expect((await again.ledger.read()).record).toMatchObject({ block: OPERATOR, token: 0, claim: null });
    expect((await again.ledger.history()).map(({ what }) => what)).toEqual(['blocked']);
  });
});

describe.skipIf(NO_ETCD !== null).concurrent('one member', { timeout: 30_000 }, () => {
  test('it hangs: reading and renewing give up in time instead of hanging with it', async () => {
    await using etcd = await startEtcd();
    await using at = openedAt(etcd);
    const held = claimed(await at.ledger.claim(requestOf('gate-a'), LEASE));
    await etcd.member(0).pause();
    const outcome = await Promise.allSettled([at.ledger.read(), held.renew(), at.ledger.history()]);
    expect(outcome.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    for (const { reason } of outcome as PromiseRejectedResult[])
      expect(reason).toBeInstanceOf(LedgerUnavailable);
    etcd.member(0).resume();
    expect(await renewed(held)).toBe(true);
    expect((await at.ledger.read()).leaseAlive).toBe(true);
  });

  test('out of reach shows within one deadline, each time with the reason; the first question after it is back is answered', async () => {
    await using etcd = await startEtcd();
    await using at = openedAt(etcd);
    await at.ledger.block(OPERATOR, null);
    const refused = async () => {
      const asked = performance.now();
      const error = await at.ledger.read().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(LedgerUnavailable);
      // Three seconds, and what a busy machine needs.
      expect(performance.now() - asked).toBeLessThan(6_000);
      return (error as Error).message;
    };
    await etcd.member(0).pause();
    for (let turn = 0; turn < 2; turn++) expect(await refused()).toMatch(/no answer within 3 s/);
    etcd.member(0).resume();
    expect((await at.ledger.read()).record).toMatchObject({ block: OPERATOR });
    await etcd.member(0).kill();
    for (let turn = 0; turn < 5; turn++)
      expect(await refused()).toMatch(/ECONNREFUSED|ECONNRESET|other side closed/);
    await etcd.member(0).start();
    expect((await at.ledger.read()).record).toMatchObject({ block: OPERATOR });
  });

  test('it is started again: the claim, its lease and the watch live on', async () => {
    await using etcd = await startEtcd();
    await using at = openedAt(etcd);
    const changes = new Changes();
    let heard = 0;
    const stop = at.ledger.watch(() => {
      heard++;
      changes.notify();
    });
    await at.ledger.approve(OPERATOR);
    await until(changes, () => heard > 0, 'the first change is told');
    const held = claimed(await at.ledger.claim(requestOf('gate-a'), LEASE));
    await etcd.member(0).restart();
    await using other = openedAt(etcd);
    expect((await other.ledger.read()).leaseAlive).toBe(true);
    const before = heard;
    await other.ledger.block(OPERATOR, null);
    await until(changes, () => heard > before, 'the change after the restart is told', 15_000);
    expect(await renewed(held)).toBe(true);
    stop();
  });

  test('nothing listens: every act says so, naming where it looked', async () => {
    const etcd = await startEtcd();
    const { hosts, url } = etcd;
    await etcd[Symbol.asyncDispose]();
    await using at = openedAt({ hosts });
    for (const act of [at.ledger.read(), at.ledger.history(), at.ledger.block(OPERATOR, null)]) {
      const error = await act.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(LedgerUnavailable);
      expect((error as Error).message).toContain(url);
    }
  });
});

// Not at the same time as others: a relay ends with the test that runs.
describe.skipIf(NO_ETCD !== null)('one member, seen through a wire', { timeout: 30_000 }, () => {
  test('the answer to a change is lost, and another one follows before it is tried again: it is on record once', async () => {
    await using etcd = await startEtcd();
    const target = etcd.member(0).host;
    const relays = [await Relay.start(target), await Relay.start(target)];
    // Only the wire of the first answer: one that loses any byte is of no more use.
    const loseOne = () => {
      for (const relay of relays)
        relay.mute(true, () => {
          for (const other of relays) if (other !== relay) other.mute(false);
        });
    };
    await using at = openedAt({ hosts: relays.map(({ host }) => host) });
    const store: Store = wrapStore(at.store, {
      swap(...args) {
        if (!tried) loseOne();
        tried = true;
        return at.store.swap(...args);
      },
    });
    await using other = openedAt(etcd);
    let tried = false;
    const changes = new Changes();
    let followed = false;
    const stop = other.ledger.watch(async () => {
      if ((await other.ledger.history()).length === 0) return;
      await other.ledger.see('client-1', 100);
      followed = true;
      changes.notify();
    });
    // Until there is a connection to either host.
    for (let turn = 0; turn < 4; turn++) await at.ledger.read();
    await new Ledger(store, 'main', realClock).approve(OPERATOR);
    await until(changes, () => followed, 'another change');
    stop();
    expect((await other.ledger.history()).map(({ what }) => what)).toEqual(['approved']);
    expect((await other.ledger.read()).record).toMatchObject({ approval: OPERATOR, seen: ['client-1'] });
  });
});
