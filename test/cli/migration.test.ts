/** `skewgate migration`, run as an operator runs it, on ledgers in SQLite files. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../src/migration/ledger/sqlite.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { fingerprintOf } from '../migration/ledger/store-fixtures.ts';
import { type CliOptions, runCli } from '../support/cli.ts';
import { claimed, finish, OPERATOR, requestOf } from '../support/ledger.ts';
import { startCli } from '../support/program.ts';

const HOUR = 3_600_000;
const LEASE = 60_000;

const base = mkdtempSync(path.join(tmpdir(), 'skewgate-verbs-'));
const stores: Array<{ close(): Promise<void> }> = [];
afterAll(async () => {
  for (const store of stores) await store.close();
  rmSync(base, { recursive: true });
});
const newFolder = () => mkdtempSync(path.join(base, 'at-'));

const migration = (args: readonly string[], options?: CliOptions) => runCli(['migration', ...args], options);

/** A ledger in a file of its own, and the command on it. */
function ledgerHere(cluster = 'main') {
  const folder = newFolder();
  const file = path.join(folder, 'ledger.db');
  const store = new SqliteStore({ file, clock: realClock });
  stores.push(store);
  const run = (verb: string, ...args: string[]) =>
    migration([verb, '--ledger', `sqlite:${file}`, '--cluster', cluster, ...args]);
  const json = async (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = await run(verb, ...args, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  return { folder, file, ledger: new Ledger(store, cluster, realClock), run, json };
}

describe.concurrent('status', () => {
  test('of a ledger that was never used says so, and creates nothing', async () => {
    const { folder, file, run, json } = ledgerHere();
    const { status, stdout } = await run('status');
    expect(stdout).toBe(
      `never-used: no upgrade was ever recorded (cluster main, sqlite:${file})\nSystem tables: level not recorded\n`,
    );
    expect(status).toBe(0);
    expect(await json('status')).toMatchObject({ state: 'never-used', level: null, token: 0, claim: null });
    expect((await run('history')).stdout).toBe('Nothing was ever recorded.\n');
    expect(await json('history')).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('and history change nothing, byte for byte, while a gate has the file open', async () => {
    const { file, ledger, run } = ledgerHere();
    claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    const before = fingerprintOf(file);
    for (const verb of ['status', 'history']) expect((await run(verb)).status).toBe(0);
    expect(fingerprintOf(file)).toBe(before);
  });

  test('of a running upgrade: who, which step, how far', async () => {
    const { ledger, run, json } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    await held.runStarted('key-0');
    await held.runDone(0, 'key-0', true);
    await held.note({ progress: { done: 0.5, text: 'indexes' } });
    const { stdout } = await run('status');
    expect(stdout).toMatch(/^running: an upgrade is running/);
    expect(stdout).toContain(
      'To 4.2.0 (level 4), step 2 of 2: [##########----------] 50 % indexes; attempt 1, token 1, held by gate-a, brought by client 4.2.0',
    );
    expect(await json('status')).toMatchObject({
      state: 'running',
      level: 3,
      release: '4.1.0',
      token: 1,
      claim: { owner: 'gate-a', runsDone: 1, progress: { done: 0.5 } },
    });
  });

  test('of a failure says what failed and what to do', async () => {
    const { ledger, run, json } = ledgerHere();
    await claimed(await ledger.claim(requestOf('gate-a'), LEASE)).fail('no space left', null);
    expect((await run('status')).stdout).toMatch(
      /^failed: .*\n[\s\S]*Failed once: no space left\nNo further attempt until an operator says so: skewgate migration retry/,
    );
    expect(await json('status')).toMatchObject({ state: 'failed', failure: { attempts: 1, retryAt: null } });
  });

  test('names every release that shares the level, since the level does not tell which one was there', async () => {
    const { folder, file, ledger } = ledgerHere();
    await ledger.observe(27, '4.11.0', 'gate-a', null);
    const config = path.join(folder, 'gate.yaml');
    const servers = 'servers: [{ id: rs1, address: "tcp://127.0.0.1:1" }]';
    writeFileSync(
      config,
      `listen: [{ tcp: "127.0.0.1:0" }]\n${servers}\nmigration: { ledger: "sqlite:${file}" }\n`,
    );
    const { stdout } = await migration(['status', '--config', config]);
    expect(stdout).toMatch(/\nSystem tables: level 27, release 4\.11 to 4\.13\n$/);
  });

  test('names no release that nobody recorded where only the ledger is at hand', async () => {
    const { ledger, run } = ledgerHere();
    await ledger.observe(27, '4.11.0', 'gate-a', null);
    expect((await run('status')).stdout).toMatch(/\nSystem tables: level 27\n$/);
  });

  test('names the release that an upgrade recorded, also where others share its level', async () => {
    const { ledger, run, json } = ledgerHere();
    await finish(claimed(await ledger.claim(requestOf('gate-a', '4.10.0', '4.12.0'), LEASE)));
    const { release, releaseKnown } = await json('status');
    expect(releaseKnown).toBe(true);
    expect((await run('status')).stdout.endsWith(`\nSystem tables: level 27, release ${release}\n`)).toBe(
      true,
    );
    await ledger.observe(25, '4.10.0', 'gate-a', null);
    expect(await json('status')).toMatchObject({ level: 25, releaseKnown: false });
  });

  test('follows a running upgrade to its end', async () => {
    const { ledger, run } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    const following = run('status', '--follow');
    await finish(held);
    const { status, stdout } = await following;
    expect(stdout).toMatch(/idle: no upgrade is running[\s\S]*level 4, release 4\.2\.0\n$/);
    expect(status).toBe(0);
  });
});

describe.concurrent('an operator is not left to wonder', () => {
  test('follow prints JSON alone with --json, one object a line', async () => {
    const { file, ledger } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    await held.note({ progress: { done: 0.5, text: 'indexes' } });
    const following = startCli(['migration', 'status', '--ledger', `sqlite:${file}`, '--follow', '--json']);
    await following.waitFor(/\n/, 'stdout');
    await finish(held);
    expect(await following.exited).toBe(0);
    const { stdout } = following;
    const lines = stdout.trimEnd().split('\n');
    expect(new Set(lines).size).toBe(lines.length);
    expect(JSON.parse(lines.at(-1) ?? '').state).toBe('idle');
  });

  test('abort says what of an attempt may still run on another machine, and how to end it there', async () => {
    const { ledger, run, json } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    await held.runStarted('key-0');
    await held.note({ process: { host: 'h1', pid: 4711, started: 'boot:1' } });
    await held.fail('no space left', null);
    const { stdout } = await run('abort');
    expect(stdout).toContain('The hook of the last attempt (process 4711 on host h1) may still run there: ');
    expect(stdout).toContain('kill -KILL -- -4711');
    expect((await json('abort')).leftover).toEqual({ host: 'h1', pid: 4711, state: 'elsewhere' });
  });

  test('retry after abort: nobody is asked to stop any more', async () => {
    const { ledger, run } = ledgerHere();
    claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    await run('abort');
    const { stdout } = await run('retry');
    expect(stdout).not.toContain('Asked to stop');
    expect(stdout).not.toContain('Nothing to do');
  });

  test('abort says whether something ran, and that a running one was asked to stop', async () => {
    const { ledger, run } = ledgerHere();
    expect((await run('abort')).stdout).toMatch(/^Nothing to do: no upgrade was running\.\n/);
    claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    const { stdout } = await run('abort', '--by', 'olga', '--reason', 'disk is full');
    expect(stdout).toMatch(/^running: /);
    expect(stdout).toContain('Asked to stop by olga: disk is full\n');
  });
});

describe.concurrent('history', () => {
  test('times are as in the decision log', async () => {
    const { ledger, json } = ledgerHere();
    await ledger.block(OPERATOR, 1_900_000_000_000.25);
    const [entry] = await json('history');
    expect(entry.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(entry.until).toBe('2030-03-17T17:46:40.000Z');
    expect((await json('status')).block).toMatchObject({ at: entry.at, until: entry.until });
  });

  test('an act with nothing to do says so, and is on record with that', async () => {
    const { run, json } = ledgerHere();
    const said = [];
    for (const verb of ['unblock', 'retry', 'abort']) said.push((await run(verb)).stdout.split('\n')[0]);
    expect(said).toEqual([
      'Nothing to do: no block was in force.',
      'Nothing to do: no attempt had failed.',
      'Nothing to do: no upgrade was running.',
    ]);
    const entries = (await json('history')) as { what: string; note: string }[];
    expect(entries.map(({ what, note }) => `${what}: ${note}`)).toEqual([
      'unblocked: nothing to do: no block was in force',
      'retried: nothing to do: no attempt had failed',
      'aborted: nothing to do: no upgrade was running',
    ]);
  });

  test('an abort that came after the last step is explained, not just followed by "done"', async () => {
    const { ledger, run } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), LEASE));
    await held.runStarted('key-0');
    await held.runDone(0, 'key-0', true);
    await run('abort', '--by', 'olga');
    await held.complete();
    expect((await run('history')).stdout).toMatch(
      / done .*the abort by olga came after the last step was complete\n$/,
    );
  });

  test('lists attempts and acts in order, for people and as JSON', async () => {
    const { ledger, run, json } = ledgerHere();
    await ledger.block(OPERATOR, null);
    await ledger.unblock({ by: 'otto', reason: 'freeze over' });
    await finish(claimed(await ledger.claim(requestOf('gate-a', '4.13.0', '4.14.0'), LEASE)));
    const kinds = ['blocked', 'unblocked', 'planned', 'running', 'step-done', 'done'];
    expect((await json('history')).map(({ what }: { what: string }) => what)).toEqual(kinds);
    const lines = (await run('history')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/\s+/)[1])).toEqual(kinds);
    expect(lines[0]).toContain('by olga, change freeze');
    expect(lines[4]).toMatch(
      /token 1, attempt 1, step 1 of 1, level 27 to 28, to release 4\.14\.0, client 4\.14\.0/,
    );
    expect(lines[5]).toMatch(/token 1, attempt 1, to level 28, to release 4\.14\.0, client 4\.14\.0$/);
  });
});

describe.concurrent('an operator acts, and it is on record with who and why', () => {
  test('block, for good and for a time, and unblock', async () => {
    const { ledger, run, json } = ledgerHere();
    const from = Date.now();
    const blocked = await json('block', '--by', 'olga', '--reason', 'change freeze');
    expect(blocked).toMatchObject({
      state: 'blocked',
      block: { by: 'olga', reason: 'change freeze', until: null },
    });
    expect(await ledger.claim(requestOf('gate-a'), LEASE)).toBe('blocked');
    const { block } = await json('block', '--by', 'olga', '--reason', 'shorter', '--for', '2h');
    const until = Date.parse(block.until);
    expect(until - from).toBeGreaterThanOrEqual(2 * HOUR);
    expect(until - Date.now()).toBeLessThanOrEqual(2 * HOUR);
    const { stdout } = await run('status');
    expect(stdout).toContain(`Blocked by olga: shorter, until ${new Date(block.until).toISOString()}`);
    expect(await json('unblock', '--by', 'otto')).toMatchObject({ state: 'never-used', block: null });
    claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    expect((await ledger.history()).map(({ what, by }) => [what, by])).toEqual([
      ['blocked', 'olga'],
      ['blocked', 'olga'],
      ['unblocked', 'otto'],
      ['planned', undefined],
    ]);
  });

  test('approve', async () => {
    const { ledger, run } = ledgerHere();
    const { status, stdout } = await run('approve', '--by', 'olga', '--reason', 'tested on staging');
    expect(stdout).toContain('Approved by olga: tested on staging');
    expect(status).toBe(0);
    expect((await ledger.read()).record.approval).toMatchObject({ by: 'olga', reason: 'tested on staging' });
  });

  test('retry closes the circuit', async () => {
    const { ledger, json } = ledgerHere();
    await claimed(await ledger.claim(requestOf('gate-a'), LEASE)).fail('no space left', null);
    expect(await ledger.claim(requestOf('gate-a'), LEASE)).toBe('failed');
    expect(await json('retry', '--by', 'olga', '--reason', 'disk replaced')).toMatchObject({
      state: 'idle',
      failure: null,
    });
    claimed(await ledger.claim(requestOf('gate-a'), LEASE));
  });

  test('abort asks a live holder to stop, and ends the claim of a dead one', async () => {
    const { ledger, json } = ledgerHere();
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    expect(await json('abort', '--by', 'olga', '--reason', 'too slow')).toMatchObject({
      state: 'running',
      claim: { abort: { by: 'olga', reason: 'too slow' } },
    });
    await held.release('the gate stops');
    claimed(await ledger.claim(requestOf('gate-a'), 1));
    while ((await ledger.read()).leaseAlive);
    expect(await json('abort', '--by', 'olga', '--reason', 'it is dead')).toMatchObject({
      state: 'failed',
      claim: null,
      failure: { error: 'aborted by olga: it is dead', retryAt: null },
    });
  });
});

describe('follow', () => {
  test('follow says each thing once: the upgrade that runs, and that none does', async () => {
    const { ledger, run, file } = ledgerHere();
    const idle = (await run('status', '--follow')).stdout;
    expect(idle.match(/never-used/g)).toHaveLength(1);
    const held = claimed(await ledger.claim(requestOf('gate-a'), LEASE));
    const following = startCli(['migration', 'status', '--ledger', `sqlite:${file}`, '--follow']);
    await following.waitFor(/held by gate-a/, 'stdout');
    await finish(held);
    expect(await following.exited).toBe(0);
    expect(following.stdout.match(/step 1 of 2:/g)).toHaveLength(1);
  });
});

describe('who acts', () => {
  test('without --by it is the user who runs the command, even one without a name', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root can run a command as another user');
    const { ledger, json } = ledgerHere();
    await json('approve');
    expect((await ledger.history())[0]).toMatchObject({ by: userInfo().username, reason: '' });
    const nameless = startCli(['--version'], { uid: 54_321, gid: 54_321 });
    expect([await nameless.exited, nameless.stderr]).toEqual([0, '']);
  });
});

describe.concurrent('where the ledger is', () => {
  test('a config names it, relative to its own folder, and the cluster', async () => {
    const { folder, file, ledger } = ledgerHere('billing');
    await ledger.block(OPERATOR, null);
    const config = path.join(folder, 'gate.yaml');
    writeFileSync(
      config,
      [
        'cluster: billing',
        'listen: [{ tcp: 127.0.0.1:0 }]',
        "servers: [{ id: s1, address: 'tcp://127.0.0.1:9' }]",
        'migration: { ledger: sqlite:ledger.db }',
      ].join('\n'),
    );
    const { status, stdout } = await migration(['status', '--config', config, '--json'], {
      cwd: newFolder(),
    });
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'blocked',
      cluster: 'billing',
      ledger: `sqlite:${file}`,
      block: OPERATOR,
    });
    expect(status).toBe(0);
  });

  test('of a policy without system tables there is none, and that is said', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'gate.yaml');
    writeFileSync(
      file,
      'policy: { preset: kubernetes }\nlisten: [{ tcp: 127.0.0.1:0 }]\nservers: [{ id: s1, address: tcp://127.0.0.1:1 }]\n',
    );
    const { status, stderr } = await runCli(['migration', 'status', '--config', file]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('policy kubernetes knows no system tables: there is nothing to upgrade'),
    ]);
    expect(readdirSync(folder)).toEqual(['gate.yaml']);
  });

  test('a relative path on the command line starts at the working folder; other clusters are not meant', async () => {
    const { folder, ledger } = ledgerHere();
    await ledger.block(OPERATOR, null);
    const { stdout } = await migration(['status', '--ledger', 'sqlite:ledger.db', '--json'], { cwd: folder });
    expect(JSON.parse(stdout).state).toBe('blocked');
    const other = await migration(
      ['status', '--ledger', 'sqlite:ledger.db', '--cluster', 'other', '--json'],
      {
        cwd: folder,
      },
    );
    expect(JSON.parse(other.stdout).state).toBe('never-used');
  });

  test.each([
    [
      'something that is no database',
      (file: string) => writeFileSync(file, 'locked\n'.repeat(200)),
      /not a database/,
    ],
    [
      'a record of a newer program',
      async (file: string) => {
        const store = new SqliteStore({ file, clock: realClock });
        await store.swap('main', { expect: '0', text: '{"format":9}', history: [] });
        await store.close();
      },
      /format 9, this program knows up to 1: run a newer skewgate/,
    ],
  ])('%s ends every verb with status 1 and an explanation, and stays as it is', async (_what, make, why) => {
    const { file, run } = ledgerHere();
    await make(file);
    const before = fingerprintOf(file);
    const outcomes = await Promise.all([
      run('status'),
      run('approve'),
      run('retry'),
      run('block', '--reason', 'freeze'),
    ]);
    for (const { status, stdout, stderr } of outcomes) {
      expect(stderr).toMatch(why);
      expect(stderr).not.toContain('    at ');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    }
    expect(fingerprintOf(file)).toBe(before);
  });
});

describe.concurrent('wrong usage ends with status 2 and changes nothing', () => {
  test.each([
    [['status'], 'state either --config or --ledger'],
    [['status', '--ledger', 'sqlite:LEDGER', '--config', 'gate.yaml'], 'state either --config or --ledger'],
    [['status', '--ledger', 'memory:'], 'a ledger in the memory of a gate can be reached by that gate alone'],
    [['status', '--ledger', 'postgres://db'], '"postgres://db" is not a ledger'],
    [['status', '--ledger', 'etcd://nowhere'], 'nowhere'],
    [['status', '--config', 'nowhere.yaml'], 'nowhere.yaml: there is no such file'],
    [['block', '--ledger', 'sqlite:LEDGER'], 'block needs a --reason: clients are told'],
    [['block', '--ledger', 'sqlite:LEDGER', '--reason', 'x', '--for', 'ever'], 'Expected a duration such as'],
    [['undo', '--ledger', 'sqlite:LEDGER'], "unknown command 'undo'"],
  ])('%j', async (args, reason) => {
    const file = path.join(newFolder(), 'ledger.db');
    const { status, stdout, stderr } = await migration(args.map((arg) => arg.replace('LEDGER', file)));
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(existsSync(file)).toBe(false);
  });
});
