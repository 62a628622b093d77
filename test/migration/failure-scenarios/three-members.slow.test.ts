/** Three gates on an etcd of three members, of which some are killed or cut off; and a gate that is cut off itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Etcd, NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { eventually } from './eventually.ts';
import { FailureScenario, LEASE } from './failure-scenario.ts';
import { Relay } from './relay.ts';

describe.skipIf(NO_ETCD !== null)(`three members${NO_ETCD === null ? '' : ` (skipped: ${NO_ETCD})`}`, () => {
  let etcd: Etcd;
  beforeAll(async () => {
    etcd = await startEtcd(3);
  });
  afterAll(() => etcd?.[Symbol.asyncDispose]());

  /** One completion, and the token under which it came. */
  async function expectOneCompletion(scenario: FailureScenario, token: number): Promise<void> {
    expect((await scenario.upgraded(28)).record).toMatchObject({ token, claim: null });
    const history = await scenario.history();
    const ends = history.filter(({ what }) => what === 'step-done' || what === 'done');
    expect(ends.map((entry) => [entry.what, entry.token])).toEqual([
      ['step-done', token],
      ['done', token],
    ]);
  }

  test('three gates, in processes of their own, on three members: one upgrade', async () => {
    const scenario = await FailureScenario.start(etcd.url);
    const gates = await Promise.all([scenario.process(), scenario.process(), scenario.process()]);
    const sessions = await Promise.all(
      gates.flatMap((gate) => [gate.connect('4.14.0'), gate.connect('4.14.0')]),
    );
    expect(new Set(sessions.map(({ schemaLevel }) => schemaLevel))).toEqual(new Set([28]));
    expect(scenario.tables.completed).toEqual([28]);
    await expectOneCompletion(scenario, 1);
    for (const session of sessions) session.destroy();
  });

  test('the leader is killed in mid-upgrade: the upgrade goes on, one completion under the first token', async () => {
    const scenario = await FailureScenario.start(etcd.url);
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const gates = await Promise.all([
      scenario.gate({ migration }),
      scenario.gate({ migration }),
      scenario.gate({ migration }),
    ]);
    const clients = gates.map((gate) => gate.connect('4.14.0'));
    await scenario.worked(1);
    const leader = await etcd.leader();
    await leader.kill();
    scenario.letGo();
    const sessions = await Promise.all(clients);
    await expectOneCompletion(scenario, 1);
    expect(scenario.work()).toHaveLength(2);
    for (const session of sessions) session.destroy();
    await leader.start();
  });

  test('a member is cut off: gates that talked to it go on with the others', async () => {
    const scenario = await FailureScenario.start(etcd.url);
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const gates = await Promise.all([scenario.gate({ migration }), scenario.gate({ migration })]);
    const clients = gates.map((gate) => gate.connect('4.14.0'));
    await scenario.worked(1);
    const leader = await etcd.leader();
    const follower = etcd.members.find((member) => member !== leader);
    await follower?.pause();
    try {
      scenario.letGo();
      const sessions = await Promise.all(clients);
      await expectOneCompletion(scenario, 1);
      for (const session of sessions) session.destroy();
    } finally {
      follower?.resume();
    }
  });

  test('the gate is cut off from etcd past its lease: it stops its hook, another takes over, one completion under the second token', async () => {
    const scenario = await FailureScenario.start(etcd.url);
    const relays = await Promise.all(etcd.hosts.map((host) => Relay.start(host)));
    const lonely = `etcd://${relays.map(({ host }) => host).join(',')}`;
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const [first, second] = await Promise.all([
      scenario.gate({ migration: { ...migration, ledger: lonely, lease: LEASE } }),
      scenario.gate({ migration }),
    ]);
    const cut = first.connect('4.14.0').catch(({ code }) => code);
    await scenario.worked(1);
    for (const relay of relays) relay.cut();
    // It knows itself that its lease is over, and does not wait for an answer that tells it.
    expect(await first.log.until('migration', { what: 'lost' })).toMatchObject({
      token: 1,
      error: expect.stringMatching(/^the lease could not be renewed/),
    });
    const other = second.connect('4.14.0');
    await scenario.worked(2);
    scenario.letGo();
    const session = await other;
    await expectOneCompletion(scenario, 2);
    expect(scenario.work().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'begin 2',
      'end 2',
    ]);
    for (const relay of relays) relay.mend();
    expect(await cut).toSatisfy((end: unknown) => end === 'LEDGER_UNAVAILABLE' || typeof end === 'object');
    const back = await first.connect('4.14.0').catch(({ code }) => code);
    if (typeof back === 'object') back.destroy();
    session.destroy();
  });

  test('the leader stands still in mid-upgrade: who is held stays held while the lease lives, and everybody is admitted', async () => {
    const scenario = await FailureScenario.start(etcd.url);
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const gates = await Promise.all([scenario.process({ migration }), scenario.process({ migration })]);
    let notices = 0;
    const clients = gates.flatMap((gate) =>
      Array.from({ length: 3 }, () => gate.connect('4.14.0', { onWait: () => notices++ })),
    );
    await scenario.worked(1);
    const leader = await etcd.leader();
    await leader.pause();
    try {
      // About eight seconds: longer than the silence that once refused everybody.
      const before = notices;
      await eventually(
        () => notices >= before + 8 * clients.length,
        'clients to be told that they wait',
        30_000,
      );
      expect(gates.flatMap(({ log }) => log.codes)).toEqual([]);
      scenario.letGo();
      const sessions = await Promise.all(clients);
      await expectOneCompletion(scenario, 1);
      expect(new Set(gates.flatMap(({ log }) => log.codes))).toEqual(new Set(['PERMITTED']));
      expect(scenario.work()).toHaveLength(2);
      for (const session of sessions) session.destroy();
    } finally {
      leader.resume();
    }
  });

  test('a gate stopped in its tracks past its lease, on three members: its completion is rejected', async () => {
    const scenario = await FailureScenario.start(etcd.url, { reporting: false });
    const migration = { baseline: '4.13.0', hook: scenario.hook() };
    const [first, second] = await Promise.all([
      scenario.process({ migration: { ...migration, lease: LEASE } }),
      scenario.gate({ migration }),
    ]);
    const paused = first.connect('4.14.0');
    await scenario.worked(1);
    first.pause();
    const other = second.connect('4.14.0');
    await second.log.until('migration', { what: 'waiting-for-hook' });
    scenario.letGo();
    const session = await other;
    first.resume();
    await first.log.until('migration', { what: 'lost' });
    await expectOneCompletion(scenario, 2);
    for (const each of [session, await paused]) each.destroy();
  });
});
