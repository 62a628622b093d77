/** A gate in a process of its own that is killed in mid-restore: nothing is done on top of tables that are half restored. */
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { type FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

/** Hooks that note their order. The first one leaves the new level behind and fails; the restore puts the old one back. */
function hooksOf(scenario: FailureScenario) {
  return {
    snapshot: scenario.hook('echo snapshot >> order; cp level level.saved', 'snapshot'),
    restore: scenario.hook('cp level.saved level; echo restore >> order', 'restore'),
    hook: scenario.hook('echo hook >> order; echo 28 > level; [ $SKEWGATE_TOKEN != 1 ] || exit 3'),
  };
}

/** A gate that is killed while its restore hook waits to be let go. */
async function killedInMidRestore(scenario: FailureScenario): Promise<void> {
  for (const name of ['snapshot', 'hook']) scenario.letGo(name);
  const gate = await scenario.process({ migration: { ...hooksOf(scenario), lease: LEASE } });
  const cut = gate.connect('4.14.0').catch((error: Error) => error.name);
  await scenario.worked(1, 'restore');
  await gate.kill();
  expect(await cut).toBe('ConnectError');
}

onEachLedger('a gate is killed in mid-restore', (start) => {
  test('its restore runs on: the next gate waits for it, restores again, and only then takes a snapshot and runs the hook', async () => {
    const scenario = await start();
    await killedInMidRestore(scenario);
    expect((await scenario.ledger.read()).record.restoring).toMatchObject({ run: { fromLevel: 27 } });
    const next = await scenario.gate({ migration: hooksOf(scenario) });
    const client = next.connect('4.14.0');
    await next.log.until('migration', { what: 'waiting-for-hook' });
    expect(scenario.work('restore')).toHaveLength(1);
    scenario.letGo('restore');
    (await client).destroy();
    expect(scenario.read('order').trimEnd().split('\n')).toEqual([
      'snapshot',
      'hook',
      'restore',
      'restore',
      'snapshot',
      'hook',
    ]);
    const keys = scenario.work('restore').map((line) => line.split(' ').at(-1));
    expect(new Set(keys)).toEqual(new Set([`${scenario.cluster}/1/restore/27`]));
    expect((await scenario.upgraded(28)).record).toMatchObject({ restoring: null, failure: null });
  });

  test('its restore ended with it: the next gate restores before anything else, and fails the attempt where that fails', async () => {
    const scenario = await start();
    await killedInMidRestore(scenario);
    const { record } = await scenario.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
    process.kill(-(record.claim?.process?.pid as number), 'SIGKILL');
    // The operator ends what was left; the servers report the level that the failed hook left behind.
    await scenario.ledger.abort({ by: 'ann', reason: 'looked into it' });
    const { restore, ...others } = hooksOf(scenario);
    const broken = scenario.hook('exit 4', 'broken');
    scenario.letGo('broken');
    const migration = { ...others, retry: { attempts: 1 } };
    const unable = await scenario.gate({ migration: { ...migration, restore: broken } });
    expect((await unable.refuse('4.14.0')).message).toMatch(/aborted by ann/);
    await scenario.ledger.retry({ by: 'ann', reason: 'go on' });
    let refused = await unable.refuse('4.14.0');
    await eventually(async () => {
      refused = await unable.refuse('4.14.0');
      return !refused.message.includes('aborted by ann');
    }, 'the retry to be heeded');
    expect(refused.message).toMatch(/left the tables half restored, and could not restore them/);
    await unable[Symbol.asyncDispose]();
    expect(scenario.read('order')).toBe('snapshot\nhook\n');
    scenario.letGo('restore');
    await scenario.ledger.retry({ by: 'ann', reason: 'mended it' });
    const able = await scenario.gate({ migration: { ...migration, restore } });
    (await able.connect('4.14.0')).destroy();
    expect(scenario.read('order')).toBe('snapshot\nhook\nrestore\nsnapshot\nhook\n');
    expect((await scenario.upgraded(28)).record).toMatchObject({ restoring: null, failure: null });
  });
});
