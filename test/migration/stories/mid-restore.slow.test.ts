/** A gate in a process of its own that is killed in mid-restore: nothing is done on top of tables that are half restored. */
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { LEASE, onEachLedger, type Story } from './story.ts';

/** Hooks that note their order. The first one leaves the new level behind and fails; the restore puts the old one back. */
function hooksOf(story: Story) {
  return {
    snapshot: story.hook('echo snapshot >> order; cp level level.saved', 'snapshot'),
    restore: story.hook('cp level.saved level; echo restore >> order', 'restore'),
    hook: story.hook('echo hook >> order; echo 28 > level; [ $SKEWGATE_TOKEN != 1 ] || exit 3'),
  };
}

/** A gate that is killed while its restore hook waits to be let go. */
async function killedInMidRestore(story: Story): Promise<void> {
  for (const name of ['snapshot', 'hook']) story.letGo(name);
  const gate = await story.process({ migration: { ...hooksOf(story), lease: LEASE } });
  const cut = gate.connect('4.14.0').catch((error: Error) => error.name);
  await story.worked(1, 'restore');
  await gate.kill();
  expect(await cut).toBe('ConnectError');
}

onEachLedger('a gate is killed in mid-restore', (start) => {
  test('its restore runs on: the next gate waits for it, restores again, and only then takes a snapshot and runs the hook', async () => {
    const story = await start();
    await killedInMidRestore(story);
    expect((await story.ledger.read()).record.restoring).toMatchObject({ run: { fromLevel: 27 } });
    const next = await story.gate({ migration: hooksOf(story) });
    const client = next.connect('4.14.0');
    await next.log.until('migration', { what: 'waiting-for-hook' });
    expect(story.work('restore')).toHaveLength(1);
    story.letGo('restore');
    (await client).destroy();
    expect(story.read('order').trimEnd().split('\n')).toEqual([
      'snapshot',
      'hook',
      'restore',
      'restore',
      'snapshot',
      'hook',
    ]);
    const keys = story.work('restore').map((line) => line.split(' ').at(-1));
    expect(new Set(keys)).toEqual(new Set([`${story.cluster}/1/restore/27`]));
    expect((await story.upgraded(28)).record).toMatchObject({ restoring: null, failure: null });
  });

  test('its restore ended with it: the next gate restores before anything else, and fails the attempt where that fails', async () => {
    const story = await start();
    await killedInMidRestore(story);
    const { record } = await story.until(({ leaseAlive }) => !leaseAlive, 'the lease to lapse');
    process.kill(-(record.claim?.process?.pid as number), 'SIGKILL');
    // The operator ends what was left; the servers report the level that the failed hook left behind.
    await story.ledger.abort({ by: 'ann', reason: 'looked into it' });
    const { restore, ...others } = hooksOf(story);
    const broken = story.hook('exit 4', 'broken');
    story.letGo('broken');
    const migration = { ...others, retry: { attempts: 1 } };
    const unable = await story.gate({ migration: { ...migration, restore: broken } });
    expect((await unable.refuse('4.14.0')).message).toMatch(/aborted by ann/);
    await story.ledger.retry({ by: 'ann', reason: 'go on' });
    let refused = await unable.refuse('4.14.0');
    await eventually(async () => {
      refused = await unable.refuse('4.14.0');
      return !refused.message.includes('aborted by ann');
    }, 'the retry to be heeded');
    expect(refused.message).toMatch(/left the tables half restored, and could not restore them/);
    await unable[Symbol.asyncDispose]();
    expect(story.read('order')).toBe('snapshot\nhook\n');
    story.letGo('restore');
    await story.ledger.retry({ by: 'ann', reason: 'mended it' });
    const able = await story.gate({ migration: { ...migration, restore } });
    (await able.connect('4.14.0')).destroy();
    expect(story.read('order')).toBe('snapshot\nhook\nrestore\nsnapshot\nhook\n');
    expect((await story.upgraded(28)).record).toMatchObject({ restoring: null, failure: null });
  });
});
