/** Who does not bring the upgrade: clients that policy refuses, and clients that have to wait for an operator. */
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

const BY = { by: 'ann', reason: 'release day' };

/** Nothing was claimed, nothing was run. */
async function expectUntouched(scenario: FailureScenario): Promise<void> {
  expect(scenario.work()).toEqual([]);
  expect(await scenario.count('planned')).toBe(0);
  expect(scenario.tables.level).toBe(27);
  expect(scenario.tables.token).toBe(0);
  expect((await scenario.ledger.read()).record).toMatchObject({ token: 0, claim: null, failure: null });
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
      const scenario = await start({ servers });
      const gate = await scenario.gate({ migration: { hook: scenario.hook() } });
      const refused = await gate.refuse(version);
      expect(refused.code).toBe(code);
      await expectUntouched(scenario);
      expect(scenario.servers.flatMap(({ clients }) => clients)).toEqual([]);
    },
  );

  test('PHOENIX-2862: a server whose version nobody knows blocks the upgrade, not clients that need none', async () => {
    const scenario = await start();
    const unknown = await scenario.addServer({ version: '4.14.0' });
    await unknown.stop();
    const gate = await scenario.gate({ migration: { hook: scenario.hook() } });
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'VERSION_UNKNOWN' });
    const older = await gate.admit('4.13.0');
    await expectUntouched(scenario);
    older.destroy();
  });

  test('a server goes back between the verdict and the hook: policy is asked again, the hook does not run', async () => {
    const scenario = await start();
    const gate = await scenario.gate({
      timeouts: { probe: '1h', fresh: '1h' },
      migration: { hook: scenario.hook() },
    });
    await scenario.servers[1]?.restart({ version: '4.13.0' });
    // The gate still believes that all are on 4.14, and lets the client bring the upgrade.
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      move: { side: 'server', who: ['s2'] },
    });
    expect(scenario.work()).toEqual([]);
    await eventually(async () => (await scenario.count('released')) === 1, 'the claim to be given back');
    expect((await scenario.ledger.read()).record).toMatchObject({ claim: null, failure: null, level: 27 });
    expect(await scenario.kinds()).toEqual(['level-observed', 'planned', 'released']);
    expect(scenario.tables.level).toBe(27);
  });

  test('a client that must not bring it is refused, and a later one that may brings it for both', async () => {
    const scenario = await start();
    const gate = await scenario.gate();
    expect(await gate.refuse('4.14.0', { query: 'upgrade=must-not' })).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      vendorCode: 2011,
    });
    await expectUntouched(scenario);
    const bringer = await gate.connect('4.14.0');
    const other = await gate.connect('4.14.0', { query: 'upgrade=must-not' });
    expect(other.waitedMs).toBe(0);
    for (const session of [bringer, other]) session.destroy();
  });
});

onEachLedger('an operator acts', (start) => {
  test('PHOENIX-5008: after UPGRADE_REQUIRED the same client comes back once an operator approved', async () => {
    const scenario = await start();
    const gate = await scenario.gate({ policy: { preset: 'phoenix', autoUpgrade: false } });
    const refused = await gate.refuse('4.14.0');
    expect(refused).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      move: { side: 'operator', to: 'approve' },
      transient: false,
    });
    await expectUntouched(scenario);
    await scenario.ledger.approve(BY);
    const session = await scenario.comeBack(gate, '4.14.0', 'UPGRADE_REQUIRED');
    expect(session.schemaLevel).toBe(28);
    expect(scenario.tables.completed).toEqual([28]);
    // The approval is used up with the upgrade that it was for.
    expect((await scenario.upgraded(28)).record.approval).toBeNull();
    session.destroy();
  });

  test('the same with a trigger that waits for approval', async () => {
    const scenario = await start();
    const gate = await scenario.gate({ migration: { trigger: { approval: true } } });
    expect(await gate.refuse('4.14.0')).toMatchObject({ code: 'UPGRADE_REQUIRED' });
    const older = await gate.connect('4.13.0');
    await expectUntouched(scenario);
    await scenario.ledger.approve(BY);
    const session = await scenario.comeBack(gate, '4.14.0', 'UPGRADE_REQUIRED');
    expect(session.schemaLevel).toBe(28);
    for (const each of [session, older]) each.destroy();
  });

  test('a block stops every gate, tells the reason, outlives them, and ends with unblock', async () => {
    const scenario = await start();
    await scenario.ledger.block(BY, Date.now() + 7_200_000);
    const blocked = await scenario.gate();
    const refused = await blocked.refuse('4.14.0');
    expect(refused).toMatchObject({ code: 'UPGRADE_BLOCKED', vendorCode: 2017, sqlState: 'INT19' });
    expect(refused.message).toContain('release day');
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    const older = await blocked.connect('4.13.0');
    await blocked[Symbol.asyncDispose]();
    const next = await scenario.gate();
    expect((await next.refuse('4.14.0')).code).toBe('UPGRADE_BLOCKED');
    await expectUntouched(scenario);
    await scenario.ledger.unblock(BY);
    const session = await scenario.comeBack(next, '4.14.0', 'UPGRADE_BLOCKED');
    expect(session.schemaLevel).toBe(28);
    for (const each of [session, older]) each.destroy();
  });

  test('a block that comes while a dead gate holds the claim: nobody takes over until it is lifted', async () => {
    const scenario = await start();
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const first = await scenario.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.worked(1);
    await first.kill();
    await cut;
    await scenario.ledger.block(BY, null);
    scenario.letGo();
    await scenario.worked(2);
    const second = await scenario.gate({ migration });
    await scenario.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
    expect((await second.refuse('4.14.0')).code).toBe('UPGRADE_BLOCKED');
    expect((await scenario.ledger.read()).record).toMatchObject({ token: 1, claim: { token: 1 } });
    await scenario.ledger.unblock(BY);
    await scenario.upgraded(28);
    expect(scenario.work()).toHaveLength(2);
    const session = await second.connect('4.14.0');
    session.destroy();
  });
});
