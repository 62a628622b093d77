/** Upgrades that fail, are aborted, or get in their own way; older clients are served throughout. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { LEASE, onEachLedger, Story } from './story.ts';

const BY = { by: 'ann', reason: 'looked into it' };
const FAILS = 'echo "no space left" >&2; [ -e mended ] || exit 3';

onEachLedger('an upgrade fails', (start) => {
  test('PHOENIX-5103, flyway 3391: it fails every time; the circuit opens after N, older clients are served, retry closes it', async () => {
    const story = await start();
    const hook = story.hook(`${FAILS}; ${Story.RAISE}`);
    story.letGo();
    const gate = await story.gate({ migration: { hook, retry: { attempts: 3, backOff: '100ms' } } });
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
    expect(await story.count('failed')).toBe(3);
    const opened = await gate.refuse('4.14.0');
    expect(opened).toMatchObject({
      code: 'UPGRADE_FAILED',
      move: { side: 'operator', to: 'retry' },
      retry: 'after-change',
      retryAfterMs: null,
      transient: false,
    });
    expect(await story.count('running')).toBe(3);
    const stillServed = await gate.connect('4.13.0');
    older.write('still here');
    expect(String((await older.iterator({ destroyOnReturn: false }).next()).value)).toBe('still here');
    writeFileSync(story.file('mended'), '');
    await story.ledger.retry(BY);
    const session = await story.comeBack(gate, '4.14.0', 'UPGRADE_FAILED');
    expect(session.schemaLevel).toBe(28);
    const { record } = await story.upgraded(28);
    expect(record).toMatchObject({ failure: null, token: 4 });
    expect((await story.history()).filter(({ what }) => what === 'retried')).toMatchObject([BY]);
    for (const each of [session, older, stillServed]) each.destroy();
  });

  test('another gate knows of the failures: the circuit is open there too', async () => {
    const story = await start();
    const hook = story.hook(FAILS);
    story.letGo();
    const migration = { hook, retry: { attempts: 1 } };
    const first = await story.gate({ migration });
    expect((await first.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    const second = await story.gate({ migration });
    expect(await second.refuse('4.14.0')).toMatchObject({ code: 'UPGRADE_FAILED', move: { to: 'retry' } });
    expect(await story.count('running')).toBe(1);
    expect(story.work()).toHaveLength(1);
  });

  test('a hook that says it is done while the servers say it is not: a failure, nobody is admitted', async () => {
    const story = await start();
    const hook = story.hook('true');
    story.letGo();
    const gate = await story.gate({ migration: { hook, retry: { attempts: 1 } } });
    const refused = await gate.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_FAILED');
    expect(refused.message).toMatch(/servers report level 27, not 28/);
    expect(await story.count('step-done')).toBe(0);
    expect((await story.ledger.read()).record.level).toBe(27);
  });

  test('snapshot before, restore after a failure, with what was admitted meanwhile', async () => {
    const story = await start();
    const snapshot = story.hook('cp level level.saved', 'snapshot');
    const restore = story.hook('cp level.saved level', 'restore');
    // It has changed half of the tables when it fails.
    const hook = story.hook('echo 28 > level; exit 3');
    for (const name of ['hook', 'snapshot', 'restore']) story.letGo(name);
    const gate = await story.gate({ migration: { hook, snapshot, restore, retry: { attempts: 1 } } });
    const older = await gate.connect('4.13.0');
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(story.work('snapshot')).toHaveLength(2);
    expect(story.work('restore')).toHaveLength(2);
    expect(story.tables.level).toBe(27);
    expect(gate.log.of('migration', { what: 'restored' })).toMatchObject([{ token: 1, sessions: 1 }]);
    const restored = (await story.history()).filter(({ what }) => what === 'restored');
    expect(restored).toMatchObject([{ token: 1, reason: expect.stringMatching(/1 session/) }]);
    expect(story.work('snapshot')[0]).toMatch(/^begin 1 27 28/);
    older.destroy();
  });

  test('without a restore hook nothing is restored, and a snapshot that fails stops the step before its hook', async () => {
    const story = await start();
    const snapshot = story.hook('exit 4', 'snapshot');
    story.letGo('snapshot');
    const gate = await story.gate({ migration: { hook: story.hook(), snapshot, retry: { attempts: 1 } } });
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(story.work()).toEqual([]);
    expect(await story.count('running')).toBe(0);
    expect(await story.count('restored')).toBe(0);
  });

  test('abort: the running hook is ended with its children, nothing starts until retry', async () => {
    const story = await start();
    const hook = story.hook(`sleep 60 & wait; ${Story.RAISE}`);
    const gate = await story.gate({ migration: { hook } });
    const client = gate.refuse('4.14.0');
    await story.worked(1);
    await story.ledger.abort(BY);
    const refused = await client;
    expect(refused).toMatchObject({ code: 'UPGRADE_FAILED', move: { side: 'operator', to: 'retry' } });
    expect(refused.message).toMatch(/aborted by ann: looked into it/);
    expect(await story.kinds()).toEqual(['level-observed', 'planned', 'running', 'aborted', 'failed']);
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    expect(await story.count('planned')).toBe(1);
    story.letGo();
    expect(story.work()).toHaveLength(1);
  });

  test('abort with a slow restore: the claim is kept alive until it is done', async () => {
    const story = await start();
    const restore = story.hook('true', 'restore');
    const migration = { hook: story.hook(), restore, lease: LEASE };
    const [gate, other] = await Promise.all([story.gate({ migration }), story.gate({ migration })]);
    const client = gate.refuse('4.14.0');
    await story.worked(1);
    await story.ledger.abort(BY);
    await story.worked(1, 'restore');
    // Longer than the lease, in which the other gate would take over if it could.
    const until = Date.now() + 4_500;
    await eventually(async () => {
      expect((await story.ledger.read()).leaseAlive).toBe(true);
      return Date.now() > until;
    }, 'the lease to be over twice');
    story.letGo('restore');
    expect((await client).code).toBe('UPGRADE_FAILED');
    expect(await story.count('taken-over')).toBe(0);
    expect(other.log.of('migration', { what: 'started' })).toEqual([]);
    expect(story.work()).toHaveLength(1);
  });

  test('retry right after abort: the client that waits is admitted, and the upgrade is not failed for good', async () => {
    const story = await start();
    const restore = story.hook('true', 'restore');
    const gate = await story.gate({ migration: { hook: story.hook(Story.RAISE), restore } });
    const client = gate.connect('4.14.0');
    await story.worked(1);
    await story.ledger.abort(BY);
    // The abort is on its way: what it stopped is being restored.
    await story.worked(1, 'restore');
    await story.ledger.retry(BY);
    for (const name of ['restore', 'hook']) story.letGo(name);
    (await client).destroy();
    expect(await story.kinds()).toEqual([
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
    const story = await start();
    const migration = { hook: story.hook(Story.RAISE), lease: '30s' };
    const [first, second] = await Promise.all([story.gate({ migration }), story.gate({ migration })]);
    const leaving = first.connect('4.14.0').catch((error) => error.code);
    await story.worked(1);
    const staying = second.connect('4.14.0');
    await first[Symbol.asyncDispose]();
    expect(await leaving).toBe('DRAINING');
    story.letGo();
    const session = await staying;
    expect(session.schemaLevel).toBe(28);
    expect(await story.count('released')).toBe(1);
    expect(await story.count('failed')).toBe(0);
    expect(story.work().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'begin 2',
      'end 2',
    ]);
    session.destroy();
  });
});

onEachLedger('a hook that uses the gate', (start) => {
  test('flyway 1654: a hook that connects through the gate as an older client, and reads the ledger, does not deadlock', async () => {
    const story = await start();
    const cli = `"${process.execPath}" "${new URL('../../../src/cli/main.ts', import.meta.url).pathname}"`;
    const gate = await story.gate({ migration: { hook: story.hook('sh inner.sh') } });
    writeFileSync(
      story.file('inner.sh'),
      `set -e
${cli} connect '${gate.url('4.13.0')}' --json < /dev/null > inner-client
${cli} migration status --ledger '${story.url}' --cluster ${story.cluster} --json > inner-status
echo 28 > level`,
    );
    story.letGo();
    const session = await gate.connect('4.14.0');
    expect(session.schemaLevel).toBe(28);
    expect(JSON.parse(story.read('inner-client'))).toMatchObject({ code: 'PERMITTED', waitedMs: 0 });
    expect(JSON.parse(story.read('inner-status'))).toMatchObject({ state: 'running', claim: { token: 1 } });
    session.destroy();
  });

  test('one that connects as a client that needs the upgrade is told so at the deadline, and fails; it does not hang', async () => {
    const story = await start();
    const cli = `"${process.execPath}" "${new URL('../../../src/cli/main.ts', import.meta.url).pathname}"`;
    const hook = story.hook('sh inner.sh');
    const gate = await story.gate({ migration: { hook, hold: { deadline: '1s' }, retry: { attempts: 1 } } });
    writeFileSync(
      story.file('inner.sh'),
      `${cli} connect '${gate.url('4.14.0')}' --json < /dev/null > inner-client || exit 5`,
    );
    story.letGo();
    expect((await gate.refuse('4.14.0')).code).toMatch(/^UPGRADE_(FAILED|IN_PROGRESS)$/);
    await story.until(({ record }) => record.failure !== null, 'a failure');
    expect(JSON.parse(story.read('inner-client'))).toMatchObject({ code: 'UPGRADE_IN_PROGRESS' });
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
  });
});
