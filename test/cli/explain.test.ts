/** `skewgate explain`, run as a user runs it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';

const explain = (...args: string[]) => runCli(['explain', ...args]);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skewgate-explain-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileWith(name: string, yaml: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, yaml);
  return file;
}

describe.concurrent('a decision for people', () => {
  test('a refusal says who must move and to what, and ends with status 1', async () => {
    const { status, stdout, stderr } = await explain('--client', '4.15.0', '--server', '4.14.1');
    expect(stdout).toBe(
      [
        'REFUSE SERVER_OUTDATED (rule M1)',
        'Client 4.15.0 is newer than server-1 (4.14.1): upgrade every server to 4.15 before any client.',
        'Move: server to 4.15 (server-1)',
        'Retry: after-change',
        'Phoenix: vendor code 2007, SQLState INT09',
        '',
        'Cluster: oldest 4.14.1, newest 4.14.1, system tables at level 28',
        '',
        'Rules looked at:',
        '  J1  pass  client and servers share one major',
        "  M1  fail  the client's minor is newer than that of server-1 (4.14.1)",
        '',
      ].join('\n'),
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test('a permit ends with status 0; every server counts', async () => {
    const { status, stdout, stderr } = await explain(
      ...['--client', '4.13.2', '--server', '4.15.0', '--server', '4.14.1'],
    );
    expect(stdout).toMatch(/^PERMIT PERMITTED \(rule M2\)\nClient 4\.13\.2 is admitted\.\n/);
    expect(stdout).toContain('Cluster: oldest 4.14.1, newest 4.15.0, system tables at level 28');
    expect(stdout).not.toContain('Move:');
    expect(stdout).not.toContain('Retry:');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('in colour where the terminal shows it', async () => {
    const { stdout } = await runCli(['explain', '--client', '4.14.0', '--server', '4.14.0'], {
      env: { FORCE_COLOR: '1' },
    });
    expect(stdout).toContain('\u001b[32mPERMIT\u001b[39m PERMITTED');
  });
});

describe.concurrent('a decision for programs', () => {
  test('one JSON object with the fields that programs rely on', async () => {
    const { status, stdout, stderr } = await explain(
      ...['--client', '4.13.2', '--server', '4.17.0', '--server', '4.14.1', '--json'],
    );
    expect(stdout.endsWith('}\n')).toBe(true);
    const decision = JSON.parse(stdout);
    expect(decision).toEqual({
      verdict: 'refuse',
      code: 'CLIENT_OUTDATED',
      rule: 'M2',
      client: '4.13.2',
      observed: { oldest: '4.14.1', newest: '4.17.0', level: 28 },
      move: { side: 'server', to: '4.15', who: ['server-2'] },
      retry: 'after-change',
      retryAfterMs: null,
      vendorCode: null,
      sqlState: null,
      message:
        'Client 4.13.2 is too old for server-1 (4.17.0): no client release fits the servers as they are, so first upgrade server-2 to 4.15.',
      notices: [],
      notes: [],
      trace: [
        { rule: 'J1', outcome: 'pass', because: 'client and servers share one major' },
        { rule: 'M1', outcome: 'pass', because: 'no known server is older than the client' },
        {
          rule: 'M2',
          outcome: 'fail',
          because: 'the client is too many minors older than server-1 (4.17.0)',
        },
      ],
    });
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test('[M3] --level: the tables lag behind the servers, so the client brings the upgrade', async () => {
    const { status, stdout } = await explain(
      ...['--client', '4.15.0', '--server', '4.15.0', '--level', '28', '--json'],
    );
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'migrate',
      code: 'UPGRADE_NEEDED',
      observed: { level: 28 },
    });
    expect(status).toBe(0);
  });

  test("[M3] without --level it is that of the oldest server's release, so there is nothing to upgrade", async () => {
    const { status, stdout } = await explain('--client', '4.15.0', '--server', '4.15.0', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'permit', observed: { level: 29 } });
    expect(status).toBe(0);
  });

  test('[M3] --must-not-upgrade: an operator has to approve', async () => {
    const { status, stdout } = await explain(
      ...['--client', '4.15.0', '--server', '4.15.0', '--level', '28', '--must-not-upgrade', '--json'],
    );
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'UPGRADE_REQUIRED',
      vendorCode: 2011,
      sqlState: 'INT13',
    });
    expect(status).toBe(1);
  });

  test('a server of unknown version', async () => {
    const asked = (client: string, ...more: string[]) =>
      explain('--client', client, '--server', '4.15.0', '--server', 'unknown', '--json', ...more);
    const [fine, upgrading] = await Promise.all([asked('4.14.0'), asked('4.15.0', '--level', '28')]);
    expect(JSON.parse(fine.stdout).verdict).toBe('permit');
    expect(fine.status).toBe(0);
    expect(JSON.parse(upgrading.stdout)).toMatchObject({ code: 'VERSION_UNKNOWN', retry: 'later' });
    expect(upgrading.status).toBe(1);
  });

  test('--preset, and protocol versions as VERSION@MIN..MAX', async () => {
    const ranges = (client: string) =>
      explain('--client', client, '--server', '1.0.0@3..5', '--preset', 'ranges', '--json');
    const [overlap, below, coded] = await Promise.all([
      ranges('9.0.0@5..9'),
      ranges('9.0.0@1..2'),
      explain('--client', '4.0.0', '--server', '4.16.0', '--preset', 'phoenix-as-coded', '--json'),
    ]);
    expect(JSON.parse(overlap.stdout)).toMatchObject({ verdict: 'permit', rule: 'ranges' });
    expect(overlap.status).toBe(0);
    expect(JSON.parse(below.stdout).move).toEqual({ side: 'client', to: 'protocol 3', who: ['9.0.0'] });
    expect(below.status).toBe(1);
    expect(JSON.parse(coded.stdout).verdict).toBe('permit');
  });
});

describe.concurrent('--config', () => {
  test('a file need say nothing but the policy and the releases; notes and links are passed on', async () => {
    const file = await fileWith(
      'policy.yaml',
      [
        'policy: { preset: custom, window: 0 }',
        'catalogue:',
        '  releases:',
        '    - { version: 4.15.0, level: 29, notes: Take a backup., link: https://example.org/4.15 }',
      ].join('\n'),
    );
    const { status, stdout, stderr } = await explain(
      ...['--client', '4.14.0', '--server', '4.15.0', '--config', file],
    );
    expect(stdout).toContain('REFUSE CLIENT_OUTDATED (rule M2)');
    expect(stdout).toContain('Note on 4.15.0: Take a backup. https://example.org/4.15');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test('what is wrong in it is said with line and field', async () => {
    const file = await fileWith('wrong.yaml', 'policy:\n  preset: custom\n  windw: 3\n');
    const { status, stdout, stderr } = await explain(
      ...['--client', '4.14.0', '--server', '4.15.0', '--config', file],
    );
    expect(stderr).toContain(`${file}:3: policy.windw: there is no such key`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('a file that is not there', async () => {
    const { status, stderr } = await explain(
      ...['--client', '4.14.0', '--server', '4.15.0', '--config', 'nowhere.yaml'],
    );
    expect(stderr).toBe('skewgate: nowhere.yaml: there is no such file\n');
    expect(status).toBe(2);
  });
});

describe.concurrent('wrong usage ends with status 2, says what was wrong and decides nothing', () => {
  const good = ['--client', '4.14.0', '--server', '4.14.0'];

  test.each([
    [['--server', '4.14.0'], "required option '--client <version>' not specified"],
    [['--client', '4.14.0'], 'state at least one --server'],
    [['--client', '4.14', '--server', '4.14.0'], '"4.14" is not a version: it has 2 parts'],
    [['--client', '4.14.0@1..2@3..4', '--server', '4.14.0'], '"1..2@3..4" is not a range'],
    [[...good, '--level', '-1'], 'Expected a whole number.'],
    [[...good, '--preset', 'pheonix'], 'Allowed choices are phoenix, phoenix-as-coded, kubernetes'],
    [[...good, '--preset', 'phoenix', '--config', 'x.yaml'], "cannot be used with option '--config <file>'"],
  ])('%j', async (args, reason) => {
    const { status, stdout, stderr } = await explain(...args);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at ');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe.concurrent('the ledger that a config names', () => {
  const CONFIG = 'migration: { ledger: sqlite:LEDGER, baseline: 4.14.0 }\n';
  const SIDES = ['--client', '4.15.0', '--server', '4.15.0'];

  /** A config with a ledger of its own, on which an operator acted. */
  async function withLedger(name: string, ...act: string[]): Promise<string> {
    const file = await fileWith(`${name}.yaml`, CONFIG.replace('LEDGER', `${name}.db`));
    if (act.length > 0) {
      const { status, stderr } = await runCli([
        ...['migration', ...act, '--ledger', `sqlite:${join(folder, `${name}.db`)}`],
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    return file;
  }

  test('[M3] an upgrade that an operator blocked is refused, as the gate refuses it', async () => {
    const file = await withLedger('blocked', 'block', '--reason', 'freeze');
    const { status, stdout } = await explain(...SIDES, '--config', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'refuse', code: 'UPGRADE_BLOCKED' });
    expect(status).toBe(1);
  });

  test('[M3] one that was never written is not made by asking, and the baseline counts', async () => {
    const file = await withLedger('absent');
    const { status, stdout, stderr } = await explain(...SIDES, '--config', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'migrate', observed: { level: 28 } });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(existsSync(join(folder, 'absent.db'))).toBe(false);
  });

  test.each([
    ['memory:', /was not read: it is in the memory of a gate/],
    ['etcd://127.0.0.1:1', /was not read: etcd:/],
    ['sqlite:broken.db', /was not read: /],
  ])("%s can't be read, and explain says so instead of passing over it", async (ledger, note) => {
    await fileWith('broken.db', 'this is no database at all, and long enough to be none');
    const file = await fileWith(`${ledger.replace(/\W/g, '')}.yaml`, `migration: { ledger: '${ledger}' }\n`);
    const { status, stdout, stderr } = await explain(...SIDES, '--config', file);
    expect(stdout).toMatch(/^PERMIT/);
    expect(stderr).toMatch(note);
    expect(stderr).toMatch(/A gate that reads it may decide otherwise/);
    expect(status).toBe(0);
  });

  test('a policy without system tables has no ledger to read', async () => {
    const file = await fileWith('kubernetes.yaml', 'policy: { preset: kubernetes }\n');
    expect(await explain(...SIDES, '--config', file)).toMatchObject({ status: 0, stderr: '' });
  });
});

test('who the client is comes before policy: a release that it may not be of is refused, another goes on to policy', async () => {
  const gate = await fileWith(
    'known.yaml',
    "clients: { tokens: [{ name: shop, file: none }] }\nidentities: [{ token: shop, versions: '4.14.x' }]\n",
  );
  const as = (identity: string, client: string) =>
    explain('--config', gate, '--identity', identity, '--client', client, '--server', '4.15.0');
  const [claimed, other, unknown] = await Promise.all([
    as('shop', '4.14.1'),
    as('shop', '4.15.0'),
    as('shpo', '4.14.0'),
  ]);
  expect([claimed.status, claimed.stdout.includes('PERMIT')]).toEqual([0, true]);
  expect(other.status).toBe(1);
  expect(other.stdout).toMatch(
    /^REFUSE CLAIM_NOT_ALLOWED \(rule gate\)\nshop may be a client of 4\.14\.x, and not of 4\.15\.0\.\nMove: client to 4\.14\.x/,
  );
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('did you mean shop?')]);
});
