/** A ledger that is not the one it was: deleted, wiped, replaced, or taken back to an older state. */
import { describe, expect, test } from 'vitest';
import { EtcdStore } from '../../../src/migration/ledger/etcd.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { OPERATOR } from '../../support/ledger.ts';
import { onEachLedger, Story } from './story.ts';

const DOUBTED = {
  code: 'UPGRADE_REQUIRED',
  move: { side: 'operator', to: 'accept-ledger', who: ['operator'] },
};

onEachLedger('a ledger that is lost under running gates', (start) => {
  test('while a hook runs: it is ended, no other one begins until an operator accepts the ledger, and then under a higher token', async () => {
    const story = await start({ reporting: false, unchecked: true });
    const migration = { baseline: '4.13.0', hook: story.hook() };
    const [holder, other] = [await story.gate({ migration }), await story.gate({ migration })];
    const waiting = holder.connect('4.14.0').catch((error) => error);
    await story.worked(1);
    await other.log.until('gate', { what: 'started' });
    await story.until(({ record }) => record.claim !== null, 'the claim');
    await story.loseRecord();
    for (const gate of [holder, other]) await gate.log.until('migration', { what: 'ledger-doubted' });
    await holder.log.until('migration', { what: 'lost' });
    expect(await waiting).toMatchObject(DOUBTED);
    expect(await other.refuse('4.14.0')).toMatchObject(DOUBTED);
    expect(other.said.filter((line) => line.includes('ledger-doubted'))).toHaveLength(1);
    for (const gate of [holder, other]) (await gate.connect('4.13.0')).destroy();
    // One that never saw the ledger that was lost goes by what is on record.
    const newcomer = await story.gate({ migration });
    expect(await newcomer.refuse('4.14.0')).toMatchObject(DOUBTED);
    expect(story.work()).toEqual([`begin 1 27 28 ${story.cluster}/1/27-28/4.14.0`]);
    await story.ledger.accept(OPERATOR);
    story.letGo();
    (await story.comeBack(other, '4.14.0', 'UPGRADE_REQUIRED')).destroy();
    const { record } = await story.upgraded(28);
    expect(record).toMatchObject({ token: 2, doubt: null });
    const kinds = await story.kinds();
    expect(kinds.filter((kind) => kind.startsWith('ledger-'))).toEqual(['ledger-doubted', 'ledger-accepted']);
    expect(story.work().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'begin 2',
      'end 2',
    ]);
  });

  test('an older copy is noticed: its tokens are not given again, and the upgrade that it forgot does not run again by itself', async () => {
    const story = await start({ reporting: false, unchecked: true, servers: ['4.15.0'] });
    story.letGo();
    const gate = await story.gate({ migration: { baseline: '4.13.0', hook: story.hook() } });
    await story.ledger.block(OPERATOR, null);
    await story.ledger.unblock(OPERATOR);
    const older = await story.rawRecord();
    (await story.comeBack(gate, '4.14.0', 'UPGRADE_BLOCKED')).destroy();
    await story.upgraded(28);
    await story.writeRecord(older);
    const { error } = await gate.log.until('migration', { what: 'ledger-doubted' });
    expect(error).toMatch(/older than it was: its last token is 0, and a gate saw token 1/);
    expect(await gate.refuse('4.15.0')).toMatchObject(DOUBTED);
    expect(story.work()).toHaveLength(2);
    const { record } = await story.until(({ record }) => record.doubt !== null, 'the doubt on record');
    expect(record.token).toBe(1);
  });

  test('the right one is brought back: the upgrade goes on by itself', async () => {
    const story = await start();
    const gate = await story.gate();
    await story.until(({ record }) => record.level === 27, 'the level on record');
    const right = await story.rawRecord();
    await story.loseRecord();
    await gate.log.until('migration', { what: 'ledger-doubted' });
    await story.until(({ record }) => record.doubt !== null, 'the doubt on record');
    await story.writeRecord(right);
    await gate.log.until('migration', { what: 'ledger-accepted' });
    (await gate.connect('4.14.0')).destroy();
    expect((await story.upgraded(28)).record.token).toBe(1);
  });
});

describe.skipIf(NO_ETCD !== null)('etcd is wiped under a running gate', () => {
  test('it is noticed, and what happens from then on has a line of history each', async () => {
    await using etcd = await startEtcd();
    const story = await Story.start(etcd.url, { unchecked: true });
    const gate = await story.gate();
    (await gate.connect('4.14.0')).destroy();
    await story.upgraded(28);
    for (const by of ['olga', 'oscar', 'otto']) await story.ledger.retry({ by, reason: '' });
    await etcd.member(0).wipe();
    await gate.log.until('migration', { what: 'ledger-doubted' });
    const store = new EtcdStore({ hosts: etcd.hosts });
    const before = new Ledger(store, story.cluster, realClock);
    for (const by of ['olga', 'oscar', 'otto']) await story.ledger.retry({ by, reason: '' });
    const retries = (await before.history()).filter(({ what }) => what === 'retried');
    expect(retries.map(({ by }) => by)).toEqual(['olga', 'oscar', 'otto']);
    await store.close();
  });
});
