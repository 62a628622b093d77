/** Hooks that say what no hook should: the ledger stays readable, and clients and operators get a bounded answer. */
import { writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { checkHistory } from '../../support/check-history.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';

async function withModule(body: string) {
  const world = virtualEnvironment();
  const folder = tempFolder();
  writeFileSync(`${folder}/hook.mjs`, `export default async (facts, context) => { ${body} };`);
  const store = new MemoryStore(world.clock);
  const migration = {
    baseline: '4.13.0',
    hook: { module: 'hook.mjs' },
    retry: { attempts: 1 },
  };
  const fleet = await startFleet(world, { servers: [{ version: '4.15.0' }], store, folder, migration });
  return { fleet, store, world };
}

test.each([
  ['a sentence', '"half of it"'],
  ['a number', '0.5'],
  ['nothing', ''],
  ['an object without text', '{ done: 0.5 }'],
  ['no number', '{ done: "much", text: 7 }'],
  ['a megabyte', '{ done: 2, text: "x".repeat(1_000_000) }'],
])('a module that tells %s as progress: the upgrade is done all the same', async (_what, progress) => {
  const { fleet, store } = await withModule(`context.progress(${progress})`);
  await using _stopped = fleet;
  const session = await fleet.admit('4.14.0');
  expect(session.schemaLevel).toBe(28);
  const history = await store.history('main');
  checkHistory(history);
  expect(history.filter(({ what }) => what === 'done')).toHaveLength(1);
  expect(fleet.log.of('migration', { what: 'ledger-unavailable' })).toEqual([]);
  session.destroy();
});

test('a complaint of a megabyte is cut: in the ledger, and for clients', async () => {
  const { fleet, store } = await withModule('throw new Error("x".repeat(1_000_000))');
  await using _stopped = fleet;
  const refused = await fleet.refuse('4.14.0');
  expect(refused.code).toBe('UPGRADE_FAILED');
  expect(refused.message).toMatch(/^.{100,4000}$/);
  const [failed] = (await store.history('main')).filter(({ what }) => what === 'failed');
  expect(failed?.error?.length).toBeLessThanOrEqual(2_000);
});

test('progress told after the end of a run is not taken for that of a later one', async () => {
  const { fleet, store, world } = await withModule(`
    globalThis.firstProgress ??= context.progress;
    if (facts.to === '4.14.0') return;
    globalThis.firstProgress({ done: 0.5, text: 'long over' });
    await new Promise((resolve) => { globalThis.letGo = resolve; });`);
  await using _stopped = fleet;
  (await fleet.admit('4.14.0')).destroy();
  const told: string[] = [];
  const second = fleet.connect('4.15.0', { onWait: ({ reason }) => told.push(reason) });
  const held = globalThis as { letGo?: () => void };
  await world.clock.run(5_000);
  expect(told.length).toBeGreaterThan(0);
  const { text } = await store.read('main');
  expect(JSON.parse(text ?? '')).toMatchObject({ claim: { token: 2, begun: true, progress: null } });
  expect(told.join()).not.toContain('long over');
  held.letGo?.();
  (await world.finish(second)).destroy();
});

test('a hook that tells of ten thousand lines wakes those who wait once a second, and no session is judged for it', async () => {
  const { fleet, world } = await withModule(`
    for (let line = 0; line < 10_000; line++) {
      context.progress(line / 100 + '% rows');
      await null;
    }
    await new Promise((resolve) => { globalThis.quieten = resolve; });`);
  await using _stopped = fleet;
  const older = await fleet.admit('4.13.0');
  const waits: string[] = [];
  const held = fleet.connect('4.14.0', { onWait: ({ reason }) => waits.push(reason) });
  const facts = vi.spyOn(fleet.cluster, 'servers', 'get');
  await world.clock.run(3_000);
  expect(waits.length).toBeGreaterThanOrEqual(3);
  expect(waits.length).toBeLessThanOrEqual(6);
  expect(waits.at(-1)).toBe('rows');
  // By whatever asks for them: sessions, clients that wait, the upgrade itself.
  expect(facts.mock.calls.length).toBeLessThan(100);
  (globalThis as { quieten?: () => void }).quieten?.();
  (await world.finish(held)).destroy();
  older.destroy();
});
