/** A restore hook undoes what was done: it must not run beside another upgrade, or after one that went well. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, type Store, wrapStore } from '../../../src/migration/ledger/store.ts';
import { describeProcess } from '../../../src/process/find-process.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { checkHistory } from '../../support/check-history.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';
import { claimed, requestOf } from '../../support/ledger.ts';
import type { ServerSpec } from '../../support/servers.ts';

type TestEnvironment = ReturnType<typeof virtualEnvironment>;

interface Seen {
  restores: string[];
  /** A restore began, or the hook ended. */
  reached: () => void;
}

interface More {
  readonly trouble?: (store: Store) => Partial<Store>;
  /** What the restore hook does; default: it tells, and never ends. Null: there is none. */
  readonly restore?: string | null;
  readonly snapshot?: string;
  readonly server?: ServerSpec;
  readonly migration?: object;
  /** Before there is a gate. */
  readonly before?: (ledger: Ledger, world: TestEnvironment) => Promise<unknown>;
}

const NEVER_ENDS = `new Promise(() => {
  SEEN.restores.push('began');
  context.signal.addEventListener('abort', () => SEEN.restores.push(context.signal.reason.name));
  SEEN.reached();
})`;

/** A gate whose hooks tell `seen` what becomes of them, on a ledger with `trouble`. */
async function fleetWith(hook: string, more: More) {
  const world = virtualEnvironment();
  const folder = tempFolder();
  const seen: Seen = { restores: [], reached: () => {} };
  const name = `seen${folder}`;
  Object.assign(globalThis, { [name]: seen });
  const modules = {
    hook,
    ...(more.restore !== null && { restore: more.restore ?? `return ${NEVER_ENDS};` }),
    ...(more.snapshot !== undefined && { snapshot: more.snapshot }),
  };
  const hooks: Record<string, { readonly module: string }> = {};
  for (const [kind, body] of Object.entries(modules)) {
    const text = `export default (facts, context) => { ${body} };`;
    writeFileSync(`${folder}/${kind}.mjs`, text.replaceAll('SEEN', `globalThis[${JSON.stringify(name)}]`));
    hooks[kind] = { module: `${kind}.mjs` };
  }
  const store = new MemoryStore(world.clock);
  await more.before?.(new Ledger(store, 'main', world.clock), world);
  const fleet = await startFleet(world, {
    servers: [more.server ?? { version: '4.16.0' }],
    store: wrapStore(store, { ...more.trouble?.(store) }),
    folder,
    migration: { baseline: '4.13.0', hold: { deadline: '1h' }, ...hooks, ...more.migration },
  });
  return { world, fleet, store, seen };
}

test('its claim is lost while it restores: it is stopped, before another gate may begin', async () => {
  let lost = false;
  const { world, fleet, store, seen } = await fleetWith('throw new Error("no space left");', {
    trouble: (under) => ({ renew: async (...args) => !lost && under.renew(...args) }),
  });
  await using _stopped = fleet;
  const began = new Promise<void>((resolve) => {
    seen.reached = resolve;
  });
  const client = fleet.connect('4.14.0').catch(({ code }) => code);
  await world.finish(began);
  lost = true;
  // Less than a lease: nobody took over yet.
  await world.clock.run(10_000);
  expect(seen.restores).toEqual(['began', 'ClaimLost']);
  expect((await store.history('main')).map(({ what }) => what)).toEqual(['planned', 'running', 'restoring']);
  expect(fleet.log.of('migration', { what: 'lost' })).toHaveLength(1);
  fleet.gate.stop(0).catch(() => {});
  await world.finish(client);
});

test('the hook went well and its record can not be written: that is no failure, and nothing is restored', async () => {
  let full = false;
  const { world, fleet, store, seen } = await fleetWith('SEEN.reached();', {
    trouble: (under) => ({
      async swap(...args) {
        if (full) throw new LedgerUnavailable('the disk is full');
        return under.swap(...args);
      },
    }),
  });
  await using _stopped = fleet;
  const went = new Promise<void>((resolve) => {
    seen.reached = () => {
      full = true;
      resolve();
    };
  });
  const client = fleet.connect('4.14.0');
  await world.finish(went);
  await world.clock.run(20_000);
  expect(fleet.log.of('migration', { what: 'lost' })).toMatchObject([
    { error: expect.stringMatching(/the disk is full/) },
  ]);
  full = false;
  seen.reached = () => {};
  const session = await world.finish(client);
  expect(seen.restores).toEqual([]);
  const history = await store.history('main');
  checkHistory(history);
  expect(history.map(({ what }) => what)).not.toContain('failed');
  expect(history.filter(({ what }) => what === 'done')).toHaveLength(1);
  session.destroy();
});

const RESTORES = "SEEN.restores.push('ran');";
const ONCE = { retry: { attempts: 1 } };

test('the snapshot before the step failed: the hook did nothing, and no older snapshot is put back', async () => {
  const { fleet, store, seen } = await fleetWith('SEEN.restores.push("hook");', {
    snapshot: 'throw new Error("no space left");',
    restore: RESTORES,
    migration: ONCE,
  });
  await using _stopped = fleet;
  expect((await fleet.refuse('4.14.0')).message).toMatch(/no space left/);
  expect(seen.restores).toEqual([]);
  const history = await store.history('main');
  expect(history.map(({ what }) => what)).toEqual(['planned', 'failed']);
});

test("the hook of an earlier attempt goes on and can't be ended: nothing is restored beside it", async () => {
  // It leads no group, so that what ends groups does not end it.
  const child = spawn('sleep', ['600']);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const { world, fleet, seen } = await fleetWith('SEEN.restores.push("hook");', {
    restore: RESTORES,
    migration: ONCE,
    async before(ledger, { clock }) {
      const dead = claimed(await ledger.claim(requestOf('dead', '4.13.0', '4.14.0'), 15_000));
      await dead.runStarted('key-0');
      await dead.note({ process: describeProcess(child.pid as number) });
      await clock.run(20_000);
    },
  });
  await using _stopped = fleet;
  const refused = fleet.refuse('4.14.0');
  await world.clock.run(15 * 60_000);
  expect((await refused).message).toMatch(/can't be ended/);
  expect(child.exitCode).toBeNull();
  expect(seen.restores).toEqual([]);
});

test('it puts back more than the failed step: the steps are run again, and after so many attempts only an operator goes on', async () => {
  const tables = { ...createMemoryTables(0), level: 0 };
  const back = () => {
    tables.level = 0;
  };
  const name = `back${tempFolder()}`;
  Object.assign(globalThis, { [name]: { tables, back } });
  const at = `globalThis[${JSON.stringify(name)}]`;
  const { world, fleet, store } = await fleetWith(
    `if (facts.step === 2) throw new Error("no space left");
     ${at}.tables.level = facts.toLevel;`,
    {
      restore: `${at}.back();`,
      server: { version: '4.2.0', tables },
      migration: { baseline: '4.0.0', retry: { attempts: 2, backOff: '1s' } },
    },
  );
  await using _stopped = fleet;
  for (let turn = 0; turn < 6; turn++) {
    expect((await fleet.refuse('4.2.0')).code).toBe('UPGRADE_FAILED');
    await world.clock.run(60_000);
  }
  const history = await store.history('main');
  checkHistory(history);
  expect(history.filter(({ what }) => what === 'failed').map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(history.filter(({ what }) => what === 'level-went-back')).toHaveLength(2);
  const { text } = await store.read('main');
  expect(JSON.parse(text ?? '')).toMatchObject({ level: 0, failure: { attempts: 2, retryAt: null } });
});

test('it is due, and no hook for it is in the config any more: no attempt is spent on that, and it is said what helps', async () => {
  const { world, fleet, store, seen } = await fleetWith('SEEN.restores.push("hook");', {
    restore: null,
    server: { version: '4.14.0' },
    async before(ledger, { clock }) {
      const killed = claimed(await ledger.claim(requestOf('killed', '4.13.0', '4.14.0'), 15_000));
      await killed.runStarted('key-0');
      const [run] = (await killed.current()).claim.plan.runs;
      if (run === undefined) throw new Error('a plan without a run');
      await killed.restoreStarted({ key: 'main/1/restore/27', run, steps: 1, error: 'no space left' });
      await clock.run(20_000);
    },
  });
  await using _stopped = fleet;
  for (let turn = 0; turn < 10; turn++) {
    expect(await fleet.refuse('4.14.0')).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      move: { side: 'operator', to: expect.stringContaining('state `migration.restore` again') },
      message: expect.stringContaining('left half restored'),
    });
    await world.clock.run(60_000);
  }
  (await fleet.admit('4.13.0')).destroy();
  const history = (await store.history('main')).map(({ what }) => what);
  expect(history).toEqual(['planned', 'running', 'restoring']);
  const { text } = await store.read('main');
  expect(JSON.parse(text ?? '')).toMatchObject({ failure: null, claim: { attempt: 1 } });
  // A claim that was left behind is tried again and again, and that it can't be taken over is said once.
  expect(fleet.log.of('migration', { what: 'claim-failed' })).toHaveLength(1);
  expect(fleet.said.filter((line) => line.includes('state `migration.restore` again'))).toHaveLength(1);
  expect(seen.restores).toEqual([]);
  const others = fleet.servers.map(({ id, address }) => ({ id, address }));
  const folder = tempFolder();
  for (const hook of ['hook', 'restore']) writeFileSync(`${folder}/${hook}.mjs`, 'export default () => {};');
  const migration = { baseline: '4.13.0', hook: { module: 'hook.mjs' }, restore: { module: 'restore.mjs' } };
  await using able = await startFleet(world, { others, store, folder, migration });
  (await able.admit('4.14.0')).destroy();
  expect((await store.history('main')).map(({ what }) => what)).toContain('restored');
});

test('it fails as well: whoever looks learns both', async () => {
  const { fleet, store } = await fleetWith('throw new Error("no space left");', {
    restore: 'throw new Error("no snapshot there");',
    migration: ONCE,
  });
  await using _stopped = fleet;
  expect((await fleet.refuse('4.14.0')).message).toMatch(
    /no space left; nor could it be restored: .*no snapshot there/,
  );
  const failed = (await store.history('main')).find(({ what }) => what === 'failed');
  expect(failed?.error).toMatch(/no space left; nor could it be restored: .*no snapshot there/);
});
