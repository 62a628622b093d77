/** A ledger that really can't be written: a full disk, a read-only one, an etcd out of space. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NO_ETCD, startEtcd } from '../../support/etcd.ts';
import { tempFolder } from '../../support/folder.ts';
import { eventually } from './eventually.ts';
import { FailureScenario } from './failure-scenario.ts';

/** Why no disk can be mounted here; null: one can. */
const NO_MOUNT = (() => {
  if (process.getuid?.() !== 0) return 'only root may mount a disk';
  const folder = tempFolderOf('probe');
  const done = mount('-t', 'tmpfs', 'tmpfs', folder);
  if (done) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return done ? null : 'no disk can be mounted here';
})();
if (NO_MOUNT !== null) console.log(`skipped: ${NO_MOUNT}`);

function tempFolderOf(name: string): string {
  const folder = `/tmp/skewgate-${name}-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  return folder;
}

function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

/** Until it ends with the test. */
function mounted(...args: string[]): void {
  expect(mount(...args)).toBe(true);
  onTestFinished(() => void spawnSync('umount', ['--lazy', args.at(-1) as string]));
}

/** Tries and notices while nothing can be written, and what is said; then, mended, the upgrade is done. */
async function expectPatience(
  scenario: FailureScenario,
  cause: RegExp,
  fill: () => unknown,
  mend: () => unknown,
  ledger = scenario.url,
) {
  const gate = await scenario.process({ migration: { ledger, hook: scenario.hook(FailureScenario.RAISE) } });
  scenario.letGo();
  await fill();
  let notices = 0;
  const held = gate.connect('4.14.0', { onWait: () => notices++ });
  held.catch(() => {});
  const from = performance.now();
  const { error } = await gate.log.until('migration', { what: 'claim-failed' });
  expect(error).toMatch(cause);
  expect(error).not.toMatch(/rollback/);
  await eventually(() => performance.now() - from > 5_000, 'five seconds of it');
  expect(notices).toBeLessThanOrEqual(20);
  // Tried about three times by then, and said once; the rest of the log is no longer for it either.
  expect(gate.log.of('migration', { what: 'claim-failed' }).length).toBeLessThanOrEqual(2);
  expect(gate.log.lines.length).toBeLessThan(20);
  expect(gate.program.stderr.match(/claim-failed/g)?.length).toBeLessThanOrEqual(2);
  expect(scenario.work()).toEqual([]);
  await mend();
  (await held).destroy();
  await scenario.upgraded(28);
  expect(scenario.work()).toHaveLength(2);
}

describe.skipIf(NO_MOUNT !== null)(`SQLite${NO_MOUNT === null ? '' : ` (skipped: ${NO_MOUNT})`}`, () => {
  test('on a full disk: tried at growing intervals, the cause is said once, and it goes on once there is room', async () => {
    const disk = tempFolder();
    mounted('-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk);
    const scenario = await FailureScenario.start(`sqlite:${disk}/ledger.db`);
    await scenario.ledger.observe(27, null, 'test');
    const fill = () => {
      let free = true;
      for (let at = 0; free; at++)
        try {
          writeFileSync(`${disk}/filler-${at}`, Buffer.alloc(4_096));
        } catch {
          free = false;
        }
    };
    const mend = () => spawnSync('sh', ['-c', `rm ${disk}/filler-*`]);
    await expectPatience(scenario, /the disk is full/, fill, mend);
  });

  test('on a disk that is read-only: the same, and once it can be written again the gate needs no restart', async () => {
    const [real, seen] = [tempFolder(), tempFolder()];
    const scenario = await FailureScenario.start(`sqlite:${real}/ledger.db`);
    await scenario.ledger.observe(27, null, 'test');
    mounted('--bind', real, seen);
    expect(mount('-o', 'remount,bind,ro', seen)).toBe(true);
    const mend = () => expect(mount('-o', 'remount,bind,rw', seen)).toBe(true);
    const ledger = `sqlite:${seen}/ledger.db`;
    await expectPatience(scenario, /can't be written/, () => {}, mend, ledger);
  });
});

describe.skipIf(NO_ETCD !== null)(`etcd${NO_ETCD === null ? '' : ` (skipped: ${NO_ETCD})`}`, () => {
  test('out of space: tried at growing intervals, the cause is said once, and it goes on once there is room', async () => {
    await using etcd = await startEtcd(1, { 'quota-backend-bytes': String(2 * 1024 * 1024) });
    const call = async (path: string, body: object) => {
      const answer = await fetch(`http://${etcd.hosts[0]}/v3/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(5_000),
      });
      return { isOk: answer.ok, ...((await answer.json()) as Record<string, never>) };
    };
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const scenario = await FailureScenario.start(etcd.url);
    const fill = async () => {
      const value = base64('x'.repeat(100_000));
      let isOk = true;
      for (let at = 0; at < 200 && isOk; at++)
        ({ isOk } = await call('kv/put', { key: base64(`filler-${at}`), value }));
      expect(isOk).toBe(false);
    };
    const mend = async () => {
      const range = { key: base64('filler-'), range_end: base64('filler.') };
      const { header } = (await call('kv/deleterange', range)) as unknown as { header: { revision: string } };
      await call('kv/compaction', { revision: header.revision, physical: true });
      await call('maintenance/defragment', {});
      const { alarms = [] } = (await call('maintenance/alarm', { action: 'GET' })) as unknown as {
        alarms?: Array<{ memberID: string; alarm: string }>;
      };
      for (const { memberID, alarm } of alarms)
        await call('maintenance/alarm', { action: 'DEACTIVATE', memberID, alarm });
    };
    await expectPatience(scenario, /space exceeded|out of space/, fill, mend);
  });
});
