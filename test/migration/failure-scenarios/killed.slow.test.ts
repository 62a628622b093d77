/** Gates in processes of their own that are killed, or stopped in their tracks, while they hold the claim. */
import { appendFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { eventually } from './eventually.ts';
import { FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';
import { GateProcess } from './gate-process.ts';

onEachLedger('a gate is killed', (start) => {
  test('PHOENIX-6072: SIGKILL in mid-hook; started again, the gate finishes the upgrade once', async () => {
    const scenario = await start();
    const migration = { hook: scenario.hook(FailureScenario.RAISE) };
    const first = await scenario.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.worked(1);
    await first.kill();
    expect(await cut).toBe('ConnectError');
    expect((await scenario.ledger.read()).record.claim).toMatchObject({ token: 1, begun: true });
    const second = await scenario.process({ migration });
    const client = second.connect('4.14.0');
    scenario.letGo();
    const session = await client;
    expect(session.schemaLevel).toBe(28);
    // The hook outlived its gate and did its work: it is waited for, and not run again.
    expect(scenario.work()).toEqual([
      expect.stringMatching(/^begin 1 27 28/),
      expect.stringMatching(/^end 1 27 28/),
    ]);
    const { record } = await scenario.upgraded(28);
    expect(record).toMatchObject({ token: 2, failure: null });
    expect(await scenario.kinds()).toEqual([
      'level-observed',
      'planned',
      'running',
      'taken-over',
      'planned',
      'step-done',
      'done',
    ]);
    session.destroy();
  });

  test('liquibase-sessionlock 36: the hook of a killed gate goes on; the next gate waits and never runs a second beside it', async () => {
    // Nothing tells that the step is done: the next gate has to run it again, under a higher token and the same key.
    const scenario = await start({ reporting: false });
    const migration = { baseline: '4.13.0', hook: scenario.hook() };
    const [first, second] = await Promise.all([
      scenario.process({ migration: { ...migration, lease: LEASE } }),
      scenario.gate({ migration }),
    ]);
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.worked(1);
    const client = second.connect('4.14.0');
    await first.kill();
    await cut;
    await second.log.until('migration', { what: 'waiting-for-hook' });
    expect(scenario.work()).toHaveLength(1);
    await scenario.until(({ record }) => record.claim?.progress != null, 'the wait on record');
    const { stdout } = await runCli(
      [...['migration', 'status', '--ledger', scenario.url, '--cluster', scenario.cluster]],
      { cwd: scenario.folder },
    );
    expect(stdout).toMatch(/waiting for process \d+ on host \S+, which an earlier attempt left running;/);
    scenario.letGo();
    const session = await client;
    const work = scenario.work();
    expect(work.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'begin 1',
      'end 1',
      'begin 2',
      'end 2',
    ]);
    expect(new Set(work.map((line) => line.split(' ').at(-1))).size).toBe(1);
    expect(await scenario.count('step-done')).toBe(1);
    session.destroy();
  });

  test('the hook of a killed gate that never ends is killed at the deadline, before a second one begins', async () => {
    const scenario = await start({ reporting: false });
    const hook = scenario.hook();
    const first = await scenario.process({ migration: { baseline: '4.13.0', hook, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.worked(1);
    await first.kill();
    await cut;
    const other = scenario.hook('true', 'other');
    const second = await scenario.gate({
      migration: { baseline: '4.13.0', hook: { ...other, timeout: '700ms' } },
    });
    scenario.letGo('other');
    const client = second.connect('4.14.0');
    await second.log.until('migration', { what: 'killing-hook' });
    const session = await client;
    scenario.letGo();
    expect(scenario.work()).toEqual([expect.stringMatching(/^begin 1 /)]);
    expect(scenario.work('other')).toEqual([
      expect.stringMatching(/^begin 2 /),
      expect.stringMatching(/^end 2 /),
    ]);
    session.destroy();
  });

  test('liquibase 1498: the change is done and the gate lost before the record; a check hook tells, it is not run again', async () => {
    const scenario = await start({ reporting: false });
    // The hook's work is done once `done` exists, and it hangs on before it says so.
    const hook = scenario.hook('touch done; while [ -e alive ]; do sleep 0.02; done');
    const migration = {
      baseline: '4.13.0',
      hook,
      check: { command: ['test', '-e', 'done'] as [string, ...string[]] },
    };
    const first = await scenario.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    scenario.letGo();
    await scenario.worked(1);
    const { claim } = (
      await scenario.until(({ record }) => record.claim?.process != null, 'a process on record')
    ).record;
    await eventually(() => scenario.exists('done'), 'the work');
    await first.kill();
    process.kill(-(claim?.process?.pid as number), 'SIGKILL');
    await cut;
    const second = await scenario.gate({ migration });
    const session = await second.connect('4.14.0');
    expect(scenario.work()).toEqual([expect.stringMatching(/^begin 1 /)]);
    const done = (await scenario.history()).filter(({ what }) => what === 'step-done');
    expect(done).toMatchObject([{ token: 2, ran: false, toLevel: 28 }]);
    session.destroy();
  });

  test("liquibase 1498: the same, told by the servers' level", async () => {
    const scenario = await start();
    const hook = scenario.hook(`${FailureScenario.RAISE}; while [ -e alive ]; do sleep 0.02; done`);
    const first = await scenario.process({ migration: { hook, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    scenario.letGo();
    await scenario.worked(1);
    const { claim } = (
      await scenario.until(({ record }) => record.claim?.process != null, 'a process on record')
    ).record;
    await eventually(() => scenario.tables.level === 28, 'the work');
    await first.kill();
    process.kill(-(claim?.process?.pid as number), 'SIGKILL');
    await cut;
    const second = await scenario.gate({ migration: { hook } });
    const session = await second.connect('4.14.0');
    expect(scenario.work()).toEqual([expect.stringMatching(/^begin 1 /)]);
    const done = (await scenario.history()).filter(({ what }) => what === 'step-done');
    expect(done).toMatchObject([{ token: 2, ran: false, toLevel: 28 }]);
    session.destroy();
  });

  test('a gate stopped in its tracks past its lease: another takes over, and what the first says then is rejected', async () => {
    const scenario = await start({ reporting: false });
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
    // The first one's hook succeeds now, and nobody is there to record it.
    scenario.letGo();
    const session = await other;
    expect((await scenario.upgraded(28)).record).toMatchObject({ token: 2 });
    first.resume();
    await first.log.until('migration', { what: 'lost' });
    const admitted = await paused;
    expect(first.log.of('migration', { what: 'done' })).toEqual([]);
    const history = await scenario.history();
    expect(
      history.filter(({ what }) => what === 'step-done' || what === 'done').map(({ token }) => token),
    ).toEqual([2, 2]);
    for (const each of [session, admitted]) each.destroy();
  });
});

onEachLedger('a hook that takes its gate down with it', (start) => {
  test('is not begun by one gate after another for ever: the circuit opens, across restarts, until an operator acts', async () => {
    const scenario = await start({ reporting: false });
    const deadly = ['sh', '-c', 'echo begin $SKEWGATE_ATTEMPT >> deaths; [ -e mended ] || kill -9 $PPID'];
    const migration = {
      baseline: '4.13.0',
      hook: { command: deadly as [string, ...string[]] },
      retry: { attempts: 2 },
      lease: LEASE,
    };
    for (const attempt of [1, 2]) {
      const gate = await scenario.process({ migration });
      // Where an attempt was begun, the next gate needs no client to go on.
      if (attempt === 1) gate.connect('4.14.0').catch(() => {});
      await gate.program.exited;
      expect(scenario.read('deaths').trimEnd().split('\n')).toHaveLength(attempt);
    }
    const last = await scenario.process({ migration });
    const { record } = await scenario.until(({ record }) => record.failure !== null, 'the circuit to open');
    expect(record).toMatchObject({ claim: null, token: 2, failure: { attempts: 2, retryAt: null } });
    await expect(last.connect('4.14.0')).rejects.toMatchObject({
      code: 'UPGRADE_FAILED',
      move: { side: 'operator', to: 'retry' },
      message: expect.stringMatching(/attempt 2 ended with its gate/),
    });
    (await last.connect('4.13.0')).destroy();
    const { stdout } = await runCli(
      [...['migration', 'status', '--ledger', scenario.url, '--cluster', scenario.cluster]],
      { cwd: scenario.folder },
    );
    expect(stdout).toMatch(/Failed 2 times: attempt 2 ended with its gate.*\nNo further attempt until/);
    appendFileSync(scenario.file('mended'), '');
    await scenario.ledger.retry({ by: 'ann', reason: 'mended it' });
    const session = await scenario.comeBack(last, '4.14.0', 'UPGRADE_FAILED');
    expect(await scenario.count('done')).toBe(1);
    expect(scenario.read('deaths').trimEnd().split('\n')).toHaveLength(3);
    session.destroy();
  });
});

onEachLedger('several gates', (start) => {
  test('PHOENIX-4523: four gates boot first at the same time, with no store yet: one upgrade', async () => {
    const scenario = await start();
    const files = [1, 2, 3, 4].map(() => scenario.gateFile());
    expect(await scenario.history()).toEqual([]);
    const gates = files.map((file) => GateProcess.launch(file));
    const sessions = await Promise.all(
      gates.map(async (gate) => {
        scenario.gates.push(gate);
        await gate.listening();
        return gate.connect('4.14.0');
      }),
    );
    expect(scenario.tables.completed).toEqual([28]);
    expect(await scenario.count('done')).toBe(1);
    for (const gate of gates) {
      expect(gate.program.stderr).not.toMatch(/upgrade:/);
      expect(gate.log.of('migration', { what: 'ledger-unavailable' })).toEqual([]);
    }
    for (const session of sessions) session.destroy();
  });
});
