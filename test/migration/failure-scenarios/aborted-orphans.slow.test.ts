/** An operator aborts an upgrade whose gate was killed: what it left running is ended, and the operator learns of it. */

import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { lookForProcess, type ProcessInfo } from '../../../src/process/find-process.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from './eventually.ts';
import { type FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

/** A gate that was killed in mid-hook, and whose claim nobody may take over. */
async function killedInMidHook(scenario: FailureScenario): Promise<ProcessInfo> {
  const gate = await scenario.process({
    migration: { baseline: '4.13.0', hook: scenario.hook(), lease: LEASE },
  });
  const cut = gate.connect('4.14.0').catch((error: Error) => error.name);
  await scenario.worked(1);
  await scenario.ledger.block({ by: 'ann', reason: 'hands off' }, null);
  await gate.kill();
  expect(await cut).toBe('ConnectError');
  const { record } = await scenario.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
  const orphan = record.claim?.process as ProcessInfo;
  expect(lookForProcess(orphan)).toBe('running');
  return orphan;
}

const migration = (verb: string, scenario: FailureScenario, ...more: string[]) =>
  runCli(['migration', verb, '--ledger', scenario.url, '--cluster', scenario.cluster, ...more], {
    cwd: scenario.folder,
  });

onEachLedger('abort of what a killed gate left behind', (start) => {
  describe.each([false, true])('its hook is stopped in its tracks: %s', (isStopped) => {
    test('the verb ends it, and says so', async () => {
      const scenario = await start({ reporting: false });
      const orphan = await killedInMidHook(scenario);
      expect((await migration('status', scenario)).stdout).toMatch(
        /^abandoned: .* its gate is gone: no gate goes on before the block is lifted/,
      );
      if (isStopped) process.kill(-orphan.pid, 'SIGSTOP');
      const { stdout, status } = await migration('abort', scenario, '--by', 'bob', '--reason', 'no');
      expect(status).toBe(0);
      expect(stdout).toContain(
        `Ended the hook that the last attempt had left running (process ${orphan.pid} on host ${hostname()}).\n`,
      );
      expect(lookForProcess(orphan)).toBe('gone');
      scenario.letGo();
      expect(scenario.work()).toHaveLength(1);
      const again = await migration('abort', scenario, '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({ leftover: null });
      await migration('unblock', scenario);
      expect((await migration('status', scenario)).stdout).toMatch(
        /^failed: an operator aborted the last attempt/,
      );
    });
  });

  test('where the operator is on another machine, a gate on that host ends it', async () => {
    const scenario = await start({ reporting: false });
    const orphan = await killedInMidHook(scenario);
    const gate = await scenario.gate({ migration: { baseline: '4.13.0', hook: scenario.hook() } });
    await scenario.ledger.abort({ by: 'bob', reason: 'no' });
    await gate.log.until('migration', { what: 'killing-hook' });
    await eventually(() => lookForProcess(orphan) === 'gone', 'the hook to be gone');
    scenario.letGo();
    expect(scenario.work()).toHaveLength(1);
  });
});
