/** An operator aborts an upgrade whose gate was killed: what it left running is ended, and the operator learns of it. */

import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { lookForProcess, type ProcessInfo } from '../../../src/process/find-process.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from './eventually.ts';
import { LEASE, onEachLedger, type Story } from './story.ts';

/** A gate that was killed in mid-hook, and whose claim nobody may take over. */
async function killedInMidHook(story: Story): Promise<ProcessInfo> {
  const gate = await story.process({
    migration: { baseline: '4.13.0', hook: story.hook(), lease: LEASE },
  });
  const cut = gate.connect('4.14.0').catch((error: Error) => error.name);
  await story.worked(1);
  await story.ledger.block({ by: 'ann', reason: 'hands off' }, null);
  await gate.kill();
  expect(await cut).toBe('ConnectError');
  const { record } = await story.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
  const orphan = record.claim?.process as ProcessInfo;
  expect(lookForProcess(orphan)).toBe('running');
  return orphan;
}

const migration = (verb: string, story: Story, ...more: string[]) =>
  runCli(['migration', verb, '--ledger', story.url, '--cluster', story.cluster, ...more], {
    cwd: story.folder,
  });

onEachLedger('abort of what a killed gate left behind', (start) => {
  describe.each([false, true])('its hook is stopped in its tracks: %s', (isStopped) => {
    test('the verb ends it, and says so', async () => {
      const story = await start({ reporting: false });
      const orphan = await killedInMidHook(story);
      expect((await migration('status', story)).stdout).toMatch(
        /^abandoned: .* its gate is gone: no gate goes on before the block is lifted/,
      );
      if (isStopped) process.kill(-orphan.pid, 'SIGSTOP');
      const { stdout, status } = await migration('abort', story, '--by', 'bob', '--reason', 'no');
      expect(status).toBe(0);
      expect(stdout).toContain(
        `Ended the hook that the last attempt had left running (process ${orphan.pid} on host ${hostname()}).\n`,
      );
      expect(lookForProcess(orphan)).toBe('gone');
      story.letGo();
      expect(story.work()).toHaveLength(1);
      const again = await migration('abort', story, '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({ leftover: null });
      await migration('unblock', story);
      expect((await migration('status', story)).stdout).toMatch(
        /^failed: an operator aborted the last attempt/,
      );
    });
  });

  test('where the operator is on another machine, a gate on that host ends it', async () => {
    const story = await start({ reporting: false });
    const orphan = await killedInMidHook(story);
    const gate = await story.gate({ migration: { baseline: '4.13.0', hook: story.hook() } });
    await story.ledger.abort({ by: 'bob', reason: 'no' });
    await gate.log.until('migration', { what: 'killing-hook' });
    await eventually(() => lookForProcess(orphan) === 'gone', 'the hook to be gone');
    story.letGo();
    expect(story.work()).toHaveLength(1);
  });
});
