/** Who does not bring the upgrade: clients that policy refuses, and clients that have to wait for an operator. */
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { LEASE, onEachLedger, Story } from './story.ts';

const BY = { by: 'ann', reason: 'release day' };

/** Nothing was claimed, nothing was run. */
async function expectUntouched(story: Story): Promise<void> {
  expect(story.work()).toEqual([]);
  expect(await story.count('planned')).toBe(0);
  expect(story.tables.level).toBe(27);
  expect(story.tables.token).toBe(0);
  expect((await story.ledger.read()).record).toMatchObject({ token: 0, claim: null, failure: null });
}

onEachLedger('policy comes before the hook', (start) => {
  test.for([
    ['newer than the oldest server [M1]', ['4.14.0', '4.13.0'], '4.14.0', 'SERVER_OUTDATED'],
    ['of a newer major [J1]', ['4.14.0', '4.14.0'], '5.0.0', 'SERVER_OUTDATED'],
    ['of an older major [J1]', ['5.0.0', '5.0.0'], '4.14.0', 'MAJOR_MISMATCH'],
    ['more than two minors older [M2]', ['4.17.0', '4.17.0'], '4.14.0', 'CLIENT_OUTDATED'],
  ] as const)(
    'PHOENIX-1703, PHOENIX-2862: a client %s is refused, and no upgrade runs',
    async ([, servers, version, code]) => {
      const story = await start({ servers });
      const gate = await story.gate({ migration: { hook: story.hook() } });
      const refused = await gate.refuse(version);
      expect(refused.code).toBe(code);
      await expectUntouched(story);
      expect(story.servers.flatMap(({ clients }) => clients)).toEqual([]);
    },
  );

  test('PHOENIX-2862: a server whose version nobody knows blocks the upgrade, not clients that need none', async () => {
    const story = await start();
    const unknown = await story.addServer({ version: '4.14.0' });
    await unknown.stop();
    const gate = await story.gate({ migration: { hook: story.hook() } });
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'VERSION_UNKNOWN' });
    const older = await gate.admit('4.13.0');
    await expectUntouched(story);
    older.destroy();
  });

  test('a server goes back between the verdict and the hook: policy is asked again, the hook does not run', async () => {
    const story = await start();
    const gate = await story.gate({
      timeouts: { probe: '1h', fresh: '1h' },
      migration: { hook: story.hook() },
    });
    await story.servers[1]?.restart({ version: '4.13.0' });
    // The gate still believes that all are on 4.14, and lets the client bring the upgrade.
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      move: { side: 'server', who: ['s2'] },
    });
    expect(story.work()).toEqual([]);
    await eventually(async () => (await story.count('released')) === 1, 'the claim to be given back');
    expect((await story.ledger.read()).record).toMatchObject({ claim: null, failure: null, level: 27 });
    expect(await story.kinds()).toEqual(['level-observed', 'planned', 'released']);
    expect(story.tables.level).toBe(27);
  });

  test('a client that must not bring it is refused, and a later one that may brings it for both', async () => {
    const story = await start();
    const gate = await story.gate();
    expect(await gate.refuse('4.14.0', { query: 'upgrade=must-not' })).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      vendorCode: 2011,
    });
    await expectUntouched(story);
    const bringer = await gate.connect('4.14.0');
    const other = await gate.connect('4.14.0', { query: 'upgrade=must-not' });
    expect(other.waitedMs).toBe(0);
    for (const session of [bringer, other]) session.destroy();
  });
});

onEachLedger('an operator acts', (start) => {
  test('PHOENIX-5008: after UPGRADE_REQUIRED the same client comes back once an operator approved', async () => {
    const story = await start();
    const gate = await story.gate({ policy: { preset: 'phoenix', autoUpgrade: false } });
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      move: { side: 'operator', to: 'approve' },
      transient: false,
    });
    await expectUntouched(story);
    await story.ledger.approve(BY);
    const session = await story.comeBack(gate, '4.14.0', 'UPGRADE_REQUIRED');
    expect(session.schemaLevel).toBe(28);
    expect(story.tables.completed).toEqual([28]);
    // The approval is used up with the upgrade that it was for.
    expect((await story.upgraded(28)).record.approval).toBeNull();
    session.destroy();
  });

  test('the same with a trigger that waits for approval', async () => {
    const story = await start();
    const gate = await story.gate({ migration: { trigger: { approval: true } } });
    expect(await gate.refuse('4.14.0')).toMatchObject({ code: 'UPGRADE_REQUIRED' });
    const older = await gate.connect('4.13.0');
    await expectUntouched(story);
    await story.ledger.approve(BY);
    const session = await story.comeBack(gate, '4.14.0', 'UPGRADE_REQUIRED');
    expect(session.schemaLevel).toBe(28);
    for (const each of [session, older]) each.destroy();
  });

  test('a block stops every gate, tells the reason, outlives them, and ends with unblock', async () => {
    const story = await start();
    await story.ledger.block(BY, Date.now() + 7_200_000);
    const blocked = await story.gate();
    const refused = await blocked.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'UPGRADE_BLOCKED', vendorCode: 2017, sqlState: 'INT19' });
    expect(refused.message).toContain('release day');
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    const older = await blocked.connect('4.13.0');
    await blocked[Symbol.asyncDispose]();
    const next = await story.gate();
    expect((await next.refuse('4.14.0')).code).toBe('UPGRADE_BLOCKED');
    await expectUntouched(story);
    await story.ledger.unblock(BY);
    const session = await story.comeBack(next, '4.14.0', 'UPGRADE_BLOCKED');
    expect(session.schemaLevel).toBe(28);
    for (const each of [session, older]) each.destroy();
  });

  test('a block that comes while a dead gate holds the claim: nobody takes over until it is lifted', async () => {
    const story = await start();
    const migration = { hook: story.hook(Story.RAISE) };
    const first = await story.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await story.worked(1);
    await first.kill();
    await cut;
    await story.ledger.block(BY, null);
    story.letGo();
    await story.worked(2);
    const second = await story.gate({ migration });
    await story.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
    expect((await second.refuse('4.14.0')).code).toBe('UPGRADE_BLOCKED');
    expect((await story.ledger.read()).record).toMatchObject({ token: 1, claim: { token: 1 } });
    await story.ledger.unblock(BY);
    await story.upgraded(28);
    expect(story.work()).toHaveLength(2);
    const session = await second.connect('4.14.0');
    session.destroy();
  });
});
