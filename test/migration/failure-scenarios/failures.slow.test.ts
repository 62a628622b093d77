/** Upgrades that fail, are aborted, or get in their own way; older clients are served throughout. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

const BY = { by: 'ann', reason: 'looked into it' };
const FAILS = 'echo "no space left" >&2; [ -e mended ] || exit 3';

onEachLedger('an upgrade fails', (start) => {
  test('PHOENIX-5103, flyway 3391: it fails every time; the circuit opens after N, older clients are served, retry closes it', async () => {
    const scenario = await start();
    const hook = scenario.hook(`${FAILS}; ${FailureScenario.RAISE}`);
    scenario.letGo();
    const gate = await scenario.gate({ migration: { hook, retry: { attempts: 3, backOff: '100ms' } } });
    const first = await gate.refuse('4.14.0');
    expect(first).toMatchObject({ code: 'UPGRADE_FAILED', rule: 'M3', move: null, transient: true });
    expect(first.message).toContain('no space left');
    expect(first.retryAfterMs).toBeGreaterThan(0);
    const older = await gate.connect('4.13.0');
    await eventually(async () => {
      const refused = await gate.refuse('4.14.0');
      expect(refused.code).toBe('UPGRADE_FAILED');
      return refused.move !== null;
    }, 'the circuit to open');
    expect(await scenario.count('failed')).toBe(3);
    const opened = await gate.refuse('4.14.0');
    expect(opened).toMatchObject({
      code: 'UPGRADE_FAILED',
      move: { side: 'operator', to: 'retry' },
      retry: 'after-change',
      retryAfterMs: null,
      transient: false,
    });
    expect(await scenario.count('running')).toBe(3);
    const stillServed = await gate.connect('4.13.0');
    older.write('still here');
    expect(String((await older.iterator({ destroyOnReturn: false }).next()).value)).toBe('still here');
    writeFileSync(scenario.file('mended'), '');
    await scenario.ledger.retry(BY);
    const session = await scenario.comeBack(gate, '4.14.0', 'UPGRADE_FAILED');
    expect(session.schemaLevel).toBe(28);
    const { record } = await scenario.upgraded(28);
    expect(record).toMatchObject({ failure: null, token: 4 });
    expect((await scenario.history()).filter(({ what }) => what === 'retried')).toMatchObject([BY]);
    for (const each of [session, older, stillServed]) each.destroy();
  });

  test('another gate knows of the failures: the circuit is open there too', async () => {
    const scenario = await start();
    const hook = scenario.hook(FAILS);
    scenario.letGo();
    const migration = { hook, retry: { attempts: 1 } };
    const first = await scenario.gate({ migration });
    expect((await first.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    const second = await scenario.gate({ migration });
    expect(await second.refuse('4.14.0')).toMatchObject({ code: 'UPGRADE_FAILED', move: { to: 'retry' } });
    expect(await scenario.count('running')).toBe(1);
    expect(scenario.work()).toHaveLength(1);
  });

  test('a hook that says it is done while the servers say it is not: a failure, nobody is admitted', async () => {
    const scenario = await start();
    const hook = scenario.hook('true');
    scenario.letGo();
    const gate = await scenario.gate({ migration: { hook, retry: { attempts: 1 } } });
    const refused = await gate.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_FAILED');
    expect(refused.message).toMatch(/servers report level 27, not 28/);
    expect(await scenario.count('step-done')).toBe(0);
    expect((await scenario.ledger.read()).record.level).toBe(27);
  });

  test('snapshot before, restore after a failure, with what was admitted meanwhile', async () => {
    const scenario = await start();
    const snapshot = scenario.hook('cp level level.saved', 'snapshot');
    const restore = scenario.hook('cp level.saved level', 'restore');
    // It has changed half of the tables when it fails.
    const hook = scenario.hook('echo 28 > level; exit 3');
    for (const name of ['hook', 'snapshot', 'restore']) scenario.letGo(name);
    const gate = await scenario.gate({ migration: { hook, snapshot, restore, retry: { attempts: 1 } } });
    const older = await gate.connect('4.13.0');
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(scenario.work('snapshot')).toHaveLength(2);
    expect(scenario.work('restore')).toHaveLength(2);
    expect(scenario.tables.level).toBe(27);
    expect(gate.log.of('migration', { what: 'restored' })).toMatchObject([{ token: 1, sessions: 1 }]);
    const restored = (await scenario.history()).filter(({ what }) => what === 'restored');
    expect(restored).toMatchObject([{ token: 1, reason: expect.stringMatching(/1 session/) }]);
    expect(scenario.work('snapshot')[0]).toMatch(/^begin 1 27 28/);
    older.destroy();
  });

  test('without a restore hook nothing is restored, and a snapshot that fails stops the step before its hook', async () => {
    const scenario = await start();
    const snapshot = scenario.hook('exit 4', 'snapshot');
    scenario.letGo('snapshot');
    const gate = await scenario.gate({
      migration: { hook: scenario.hook(), snapshot, retry: { attempts: 1 } },
    });
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(scenario.work()).toEqual([]);
    expect(await scenario.count('running')).toBe(0);
    expect(await scenario.count('restored')).toBe(0);
  });

  test('abort: the running hook is ended with its children, nothing starts until retry', async () => {
    const scenario = await start();
    const hook = scenario.hook(`sleep 60 & wait; ${FailureScenario.RAISE}`);
    const gate = await scenario.gate({ migration: { hook } });
    const client = gate.refuse('4.14.0');
    await scenario.worked(1);
    await scenario.ledger.abort(BY);
    const refused = await client;
    expect(refused).toMatchObject({ code: 'UPGRADE_FAILED', move: { side: 'operator', to: 'retry' } });
    expect(refused.message).toMatch(/aborted by ann: looked into it/);
    expect(await scenario.kinds()).toEqual(['level-observed', 'planned', 'running', 'aborted', 'failed']);
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(await scenario.count('planned')).toBe(1);
    scenario.letGo();
    expect(scenario.work()).toHaveLength(1);
  });

  test('abort with a slow restore: the claim is kept alive until it is done', async () => {
    const scenario = await start();
    const restore = scenario.hook('true', 'restore');
    const migration = { hook: scenario.hook(), restore, lease: LEASE };
    const [gate, other] = await Promise.all([scenario.gate({ migration }), scenario.gate({ migration })]);
    const client = gate.refuse('4.14.0');
    await scenario.worked(1);
    await scenario.ledger.abort(BY);
    await scenario.worked(1, 'restore');
    // Longer than the lease, in which the other gate would take over if it could.
    const until = Date.now() + 4_500;
    await eventually(async () => {
      expect((await scenario.ledger.read()).leaseAlive).toBe(true);
      return Date.now() > until;
    }, 'the lease to be over twice');
    scenario.letGo('restore');
    expect((await client).code).toBe('UPGRADE_FAILED');
    expect(await scenario.count('taken-over')).toBe(0);
    expect(other.log.of('migration', { what: 'started' })).toEqual([]);
    expect(scenario.work()).toHaveLength(1);
  });

  test('retry right after abort: the client that waits is admitted, and the upgrade is not failed for good', async () => {
    const scenario = await start();
    const restore = scenario.hook('true', 'restore');
    const gate = await scenario.gate({ migration: { hook: scenario.hook(FailureScenario.RAISE), restore } });
    const client = gate.connect('4.14.0');
    await scenario.worked(1);
    await scenario.ledger.abort(BY);
    // The abort is on its way: what it stopped is being restored.
    await scenario.worked(1, 'restore');
    await scenario.ledger.retry(BY);
    for (const name of ['restore', 'hook']) scenario.letGo(name);
    (await client).destroy();
    expect(await scenario.kinds()).toEqual([
      'level-observed',
      'planned',
      'running',
      'aborted',
      'restoring',
      'retried',
      'restored',
      'released',
      'planned',
      'running',
      'step-done',
      'done',
    ]);
  });

  test('a gate that is stopped in mid-hook gives the claim back, and another goes on at once', async () => {
    const scenario = await start();
    const migration = { hook: scenario.hook(FailureScenario.RAISE), lease: '30s' };
    const [first, second] = await Promise.all([scenario.gate({ migration }), scenario.gate({ migration })]);
    const leaving = first.connect('4.14.0').catch((error) => error.code);
    await scenario.worked(1);
    const staying = second.connect('4.14.0');
    await first[Symbol.asyncDispose]();
    expect(await leaving).toBe('DRAINING');
    scenario.letGo();
    const session = await staying;
    expect(session.schemaLevel).toBe(28);
    expect(await scenario.count('released')).toBe(1);
    expect(await scenario.count('failed')).toBe(0);
    expect(scenario.work().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'begin 2',
      'end 2',
    ]);
    session.destroy();
  });
});

onEachLedger('a hook that uses the gate', (start) => {
  test('flyway 1654: a hook that connects through the gate as an older client, and reads the ledger, does not deadlock', async () => {
    const scenario = await start();
    const cli = `"${process.execPath}" "${new URL('../../../src/cli/main.ts', import.meta.url).pathname}"`;
    const gate = await scenario.gate({ migration: { hook: scenario.hook('sh inner.sh') } });
    writeFileSync(
      scenario.file('inner.sh'),
      `set -e
${cli} connect '${gate.url('4.13.0')}' --json < /dev/null > inner-client
${cli} migration status --ledger '${scenario.url}' --cluster ${scenario.cluster} --json > inner-status
echo 28 > level`,
    );
    scenario.letGo();
    const session = await gate.connect('4.14.0');
    expect(session.schemaLevel).toBe(28);
    expect(JSON.parse(scenario.read('inner-client'))).toMatchObject({ code: 'PERMITTED', waitedMs: 0 });
    expect(JSON.parse(scenario.read('inner-status'))).toMatchObject({
      state: 'running',
      claim: { token: 1 },
    });
    session.destroy();
  });

  test('one that connects as a client that needs the upgrade is told so at the deadline, and fails; it does not hang', async () => {
    const scenario = await start();
    const cli = `"${process.execPath}" "${new URL('../../../src/cli/main.ts', import.meta.url).pathname}"`;
    const hook = scenario.hook('sh inner.sh');
    const gate = await scenario.gate({
      migration: { hook, hold: { deadline: '1s' }, retry: { attempts: 1 } },
    });
    writeFileSync(
      scenario.file('inner.sh'),
      `${cli} connect '${gate.url('4.14.0')}' --json < /dev/null > inner-client || exit 5`,
    );
    scenario.letGo();
    expect((await gate.refuse('4.14.0')).code).toMatch(/^UPGRADE_(FAILED|IN_PROGRESS)$/);
    await scenario.until(({ record }) => record.failure !== null, 'a failure');
    expect(JSON.parse(scenario.read('inner-client'))).toMatchObject({ code: 'UPGRADE_IN_PROGRESS' });
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
  });
});
