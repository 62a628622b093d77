/** `next`, `what-if` and `clients` of a fleet that a decision log tells of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readEntry } from '../../src/cli/log/entry.ts';
import { LogFleet } from '../../src/cli/log/fleet.ts';
import type { LogRecord } from '../../src/decision/record.ts';
import { nextStep } from '../../src/planning/next.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { runCli } from '../support/cli.ts';
import { judged } from '../support/facts.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const IDENTITY = { gate: 'gate1', cluster: 'main' };

function server(id: string, version: string | null, more: object = {}): LogRecord {
  return {
    event: 'server',
    ...IDENTITY,
    server: id,
    first: true,
    state: 'up',
    version,
    previousState: null,
    previousVersion: null,
    level: 28,
    lastError: null,
    ...more,
  };
}

function client(version: string, session: string | null, name = 'batch', gate = 'gate1'): LogRecord {
  const decision = session === null ? judged(version, ['4.15.0']) : judged(version, ['4.14.0']);
  const admitted = session !== null;
  return {
    event: 'handshake',
    ...IDENTITY,
    gate,
    connection: 'c1',
    listener: 'tcp://127.0.0.1:8700',
    peer: '10.0.3.7:50000',
    driver: 'jdbc',
    protocol: 'skewgate',
    claim: null,
    tls: { requested: false, version: null },
    session,
    server: admitted ? 'rs1' : null,
    serverVersion: admitted ? '4.14.0' : null,
    waitedFor: null,
    phases: { helloMs: 1, heldMs: 0, dialMs: admitted ? 1 : null, totalMs: 2 },
    policyHash: '0123456789ab',
    properties: { name },
    identity: null,
    credential: null,
    ...decision,
  };
}

function end(session: string): LogRecord {
  return {
    event: 'session-end',
    ...IDENTITY,
    session,
    client: '4.12.0',
    peer: '10.0.3.7:50000',
    properties: {},
    identity: null,

    server: 'rs1',
    reason: 'both-ended',
    code: null,
    message: null,
    error: null,
    bytesFromClient: 5,
    bytesFromServer: 7,
    durationMs: 12,
  };
}

function life(what: 'started' | 'stopped', gate = 'gate1'): LogRecord {
  return { event: 'gate', ...IDENTITY, gate, what, policyHash: '0123456789ab', listeners: [], error: null };
}

/** One record a minute, the first at noon. */
const linesOf = (...records: readonly LogRecord[]) =>
  records.map((record, at) =>
    JSON.stringify({ time: new Date(NOON + at * 60_000).toISOString(), ...record }),
  );

function factsOf(...records: readonly LogRecord[]) {
  const fleet = new LogFleet();
  for (const line of linesOf(...records)) {
    const entry = readEntry(line);
    if (entry !== null) fleet.add(entry);
  }
  return fleet.facts(PRESETS.phoenix, 'p');
}

const ROLL = [
  server('rs1', '4.14.0'),
  server('rs2', '4.14.1'),
  client('4.12.0', 's1'),
  client('4.12.0', 's2', 'web'),
  client('4.13.0', 's3', 'web'),
  end('s2'),
  server('rs1', '4.15.0'),
] as const;

describe('the fleet of a log', () => {
  test('has the servers and the open sessions of the last record', () => {
    const { servers, sessions, level, now } = factsOf(...ROLL);
    expect(servers.map(({ id, version, sessions }) => [id, version?.minor, sessions])).toEqual([
      ['rs1', 15, 2],
      ['rs2', 14, 0],
    ]);
    expect(sessions.map(({ session, client, startedAt }) => [session, client, startedAt])).toEqual([
      ['s1', '4.12.0', NOON + 120_000],
      ['s3', '4.13.0', NOON + 240_000],
    ]);
    expect(level).toBe(28);
    expect(now).toBe(NOON + 6 * 60_000);
  });

  test('has no session of a gate that stopped, or that started again after a crash', () => {
    const two = [client('4.13.0', 's1'), client('4.13.0', 's2', 'web', 'gate2')];
    expect(factsOf(...two, life('started')).sessions.map(({ session }) => session)).toEqual(['s2']);
    expect(factsOf(...two, life('stopped', 'gate2')).sessions.map(({ session }) => session)).toEqual(['s1']);
  });

  test('counts clients of the last hour, not those before it', () => {
    const early = client('4.12.0', null, 'early');
    const pause = Array.from({ length: 60 }, () => end('none'));
    const { seen } = factsOf(early, client('4.13.0', null, 'late'), ...pause);
    expect(seen.map(({ properties, count }) => [properties.name, count])).toEqual([['late', 1]]);
  });

  test('knows how the upgrade stood', () => {
    const about = {
      event: 'migration',
      ...IDENTITY,
      client: '4.15.0',
      token: 1,
      steps: [],
      fromLevel: 28,
      toLevel: 29,
    } as const;
    const servers = [server('rs1', '4.15.0')];
    const failed = { ...about, what: 'failed', attempt: 1, error: 'status 3', retryAt: null } as const;
    expect(factsOf(...servers, failed).upgrade.state).toMatchObject({ state: 'failed', error: 'status 3' });
    expect(nextStep(factsOf(...servers, failed)).blockers).toMatchObject([{ kind: 'upgrade-failed' }]);
    const done = { ...about, what: 'done', durationMs: 1 } as const;
    expect(factsOf(...servers, failed, done)).toMatchObject({
      level: 29,
      upgrade: { state: { state: 'idle' } },
    });
  });

  test('knows which orders of operators stood', () => {
    const order = (what: 'pause' | 'resume' | 'drain' | 'undrain', id: string | null, more: object = {}) =>
      ({
        event: 'operator',
        ...IDENTITY,
        what,
        stage: 'done',
        by: 'ann',
        reason: 'deploy',
        target: { kind: 'gate', name: null },
        order: id,
        scope: 'gate',
        until: null,
        overMs: null,
        sessions: 0,
        effect: '',
        ...more,
      }) as LogRecord;
    const clients = { target: { kind: 'clients', name: '<4.13' } };
    const given = [...ROLL, order('pause', 'a'), order('drain', 'b', clients)];
    const { orders, sessions } = factsOf(...given);
    expect(orders).toEqual([{ what: 'pause', by: 'ann', reason: 'deploy', until: null }]);
    expect(sessions.map(({ client, drained = false }) => [client, drained])).toEqual([
      ['4.12.0', true],
      ['4.13.0', false],
    ]);
    const back = factsOf(...given, order('resume', null), order('undrain', null, clients));
    expect(back.orders).toEqual([]);
    expect(back.sessions.filter(({ drained }) => drained)).toEqual([]);
    expect(factsOf(...given, order('pause', 'a', { stage: 'lapsed' })).orders).toEqual([]);
    expect(factsOf(...given, life('started')).orders).toEqual([]);
  });

  test('takes lines of any shape', () => {
    const fleet = new LogFleet();
    for (const fields of [
      { event: 'handshake', verdict: 'permit', code: 'PERMITTED', client: 'x', session: 1, properties: [1] },
      { event: 'server', server: 'rs1', state: 'asleep' },
      { event: 'migration', what: 'toString' },
      { event: 'session-end' },
      { event: 'gate', what: 'started' },
    ]) {
      const entry = readEntry(JSON.stringify({ time: '2026-01-31T12:00:00.000Z', ...fields }));
      if (entry !== null) fleet.add(entry);
    }
    expect(fleet.facts(PRESETS.phoenix, 'p')).toMatchObject({ servers: [], sessions: [], seen: [] });
  });
});

describe('the commands', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skewgate-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const log = path.join(folder, 'decisions.ndjson');
  writeFileSync(log, `${linesOf(...ROLL).join('\n')}\n`);

  test('next says what blocks the next step, who moves, and leaves with status 1 while something does', async () => {
    const { status, stdout } = await runCli(['next', '--log', log]);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      '4.15 is next. rs2 is still on 4.14.1. Then: 1 session of 4.12 falls out of the window (client batch from 10.0.3.7); 1 client of 4.12 seen in the last hour stays out of the window (client web from 10.0.3.7); one upgrade will run, level 28 to 29, brought by the first 4.15 client; nothing else is in the way.',
      '',
      'in the way        who     what helps',
      'server-behind     rs2     server to 4.15',
      'sessions-outside  4.12.0  client to 4.13',
    ]);
    expect(status).toBe(1);
  });

  test('next --json has the fields that programs go by', async () => {
    const { stdout } = await runCli(['next', '--log', log, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      to: '4.15',
      ready: false,
      blockers: [{ kind: 'server-behind', who: ['rs2'], move: { side: 'server', to: '4.15' } }, {}],
      refuses: [{ line: '4.12', sessions: 1, rule: 'M2' }],
      upgrade: { fromLevel: 28, toLevel: 29 },
    });
  });

  test('next --to shows the way step by step', async () => {
    const { stdout } = await runCli(['next', '--log', log, '--to', '4.16']);
    expect(stdout).toMatch(
      /^4\.16 takes 2 steps\.\nTo 4\.15: rs2 is still .*\nTo 4\.16: rs1 and rs2 go on to 4\.16\./,
    );
  });

  test('next leaves with status 0 when nothing is in the way', async () => {
    const input = `${linesOf(server('rs1', '4.15.0'), server('rs2', '4.15.0')).join('\n')}\n`;
    const { status, stdout } = await runCli(['next', '--log', '-'], { input });
    expect(stdout).toBe(
      '4.15 is next. One upgrade will run, level 28 to 29, brought by the first 4.15 client; nothing is in the way.\n',
    );
    expect(status).toBe(0);
  });

  test('what-if says whom servers of another release would refuse', async () => {
    const { status, stdout } = await runCli(['what-if', '--log', log, '--servers', '4.16.0']);
    expect(stdout).toContain('With every server on 4.16.0, 1 session of 4.12 and 1 client of 4.12');
    expect(stdout).toMatch(/4\.13 +1 +0 +M2 +CLIENT_OUTDATED +web@10\.0\.3\.7 +client to 4\.14/);
    expect(status).toBe(1);
    const one = await runCli(['what-if', '--log', log, '--server', 'rs2=4.15.0', '--json']);
    expect(JSON.parse(one.stdout).refused).toMatchObject([
      { line: '4.12', sessions: 1, seen: 1, already: true },
    ]);
  });

  test('what-if judges by a policy of its own, and by that of the config', async () => {
    const policy = path.join(folder, 'new.yaml');
    writeFileSync(policy, 'policy: { preset: phoenix, window: 5 }\n');
    const wide = await runCli(['what-if', '--log', log, '--policy', policy]);
    expect(wide.stdout).toContain(
      'With the policy phoenix, nobody would be refused: 2 sessions and 1 client',
    );
    expect(wide.status).toBe(0);
    const own = await runCli(['what-if', '--log', log, '--config', policy, '--servers', '4.17.0']);
    expect(own.status).toBe(0);
  });

  test('clients lists release lines and where each is on its way out', async () => {
    const { status, stdout } = await runCli(['clients', '--log', log]);
    expect(stdout).toMatch(
      /4\.12 +draining +1 +2026-01-31 12:03:00 +refuse +refuse +10\.0\.3\.7 +jdbc +batch, web/,
    );
    expect(stdout).toMatch(/4\.13 +current +1 +/);
    expect(status).toBe(0);
    const { lines } = JSON.parse((await runCli(['clients', '--log', log, '--json'])).stdout);
    expect(lines[0]).toMatchObject({
      line: '4.12',
      lastSeenAt: '2026-01-31T12:03:00.000Z',
      status: 'draining',
    });
  });

  test.each([
    ['a log that is not there', ['next', '--log', 'gone.ndjson'], 'gone.ndjson: there is no such file'],
    ['a target that is no line', ['next', '--log', log, '--to', '4.16.0'], 'is not a release line'],
    ['nothing to suppose', ['what-if', '--log', log], 'state --servers, --server or --policy'],
    [
      'a server without a version',
      ['what-if', '--log', log, '--server', 'rs1'],
      'not of the form rs2=4.16.0',
    ],
    [
      'a server that is not there',
      ['what-if', '--log', log, '--server', 'x=4.16.0'],
      'x is none of the servers: rs1 and rs2',
    ],
    [
      'a version that is none',
      ['what-if', '--log', log, '--servers', '4.16'],
      'not the 3 of major.minor.patch',
    ],
  ])('wrong usage: %s', async (_, words, message) => {
    const { status, stderr, stdout } = await runCli(words);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
