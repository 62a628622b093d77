/** `startFleet`, as a test of somebody else's uses it. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/index.ts';
import { type Fleet, RefusedError, startFleet } from '../../src/testing/index.ts';

const codes = ({ decisions }: Fleet) => decisions.map(({ client, code }) => `${client} ${code}`);

describe('clients', () => {
  test('[M2] one that the policy admits has a session with an echo server', async () => {
    await using fleet = await startFleet({ servers: ['4.14.2', '4.15.0'] });
    const session = await fleet.connect('4.13.1');
    session.write('hello');
    const [echoed] = await once(session, 'data');
    expect(String(echoed)).toBe('hello');
    expect(session.decision).toMatchObject({ verdict: 'permit', rule: 'M2' });
    expect(fleet.sessions).toBe(1);
  });

  test('[M1] one that is refused: connect throws with the move, attempt returns the decision', async () => {
    await using fleet = await startFleet({ servers: ['4.14.2', '4.15.0'] });
    const error = await fleet.connect('4.15.0').catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.move).toEqual({ side: 'server', to: '4.15', who: ['rs1'] });
    expect(await fleet.attempt('4.15.0')).toEqual(error.decision);
    expect(fleet.sessions).toBe(0);
  });

  test('over WebSocket, through a gate of several, with properties', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'], gates: 2 });
    await fleet.attempt('4.14.0', { over: 'ws', gate: 'gate2', properties: { name: 'batch 7' } });
    const [decided] = fleet.decisions;
    expect(decided?.listener).toMatch(/^ws:/);
    expect(JSON.parse(fleet.log.find((line) => line.includes('handshake')) as string).gate).toBe('gate2');
  });

  test('any other client finds the gate by its URL', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    const url = fleet.url('4.13.0', { upgrade: 'must-not', properties: { user: 'x y' } });
    const session = await connect(url);
    expect(session.server.version).toBe('4.14.0');
    session.destroy();
    expect(codes(fleet)).toEqual(['4.13.0 PERMITTED']);
  });

  test('explain asks nobody and logs nothing', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    expect(fleet.explain('4.15.0')).toMatchObject({ verdict: 'refuse', code: 'SERVER_OUTDATED' });
    expect(fleet.explain('4.14.9')).toMatchObject({ verdict: 'permit', rule: 'P1' });
    expect(fleet.decisions).toEqual([]);
  });
});

describe('servers', () => {
  test('[M1] a rolling upgrade: the newer client is refused until the last server is done', async () => {
    await using fleet = await startFleet({ servers: ['4.14.2', '4.14.2', '4.14.2'] });
    const seen: string[] = [];
    await fleet.roll('4.15.0', {
      afterEach: async (done) => seen.push(`${done.length}: ${(await fleet.attempt('4.15.0')).code}`),
    });
    expect(seen).toEqual(['1: SERVER_OUTDATED', '2: SERVER_OUTDATED', '3: PERMITTED']);
    expect(fleet.servers).toEqual({ rs1: '4.15.0', rs2: '4.15.0', rs3: '4.15.0' });
  });

  test('in batches, and only those named', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0', '4.14.0', '4.14.0'] });
    const batches: number[] = [];
    await fleet.roll('4.14.3', {
      servers: ['rs3', 'rs1'],
      batch: 2,
      afterEach: (done) => batches.push(done.length),
    });
    expect(batches).toEqual([2]);
    expect(fleet.servers).toEqual({ rs1: '4.14.3', rs2: '4.14.0', rs3: '4.14.3' });
  });

  test('[N1] a session may end in its own time on a server that leaves', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0', '4.14.0'] });
    const session = await fleet.connect('4.14.0');
    const rolled = fleet.roll('4.14.1', { graceMs: 10_000 });
    session.write('last words');
    const [echoed] = await once(session, 'data');
    session.end();
    await rolled;
    expect(String(echoed)).toBe('last words');
  });

  test('what was changed is what the next client is judged by', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0', '4.14.0'] });
    await fleet.upgrade('rs1', '4.15.0');
    expect(await fleet.attempt('4.15.0')).toMatchObject({ move: { who: ['rs2'] } });
    await fleet.upgrade('rs2', '4.15.0');
    expect(await fleet.attempt('4.15.0')).toMatchObject({ verdict: 'permit' });
    await fleet.downgrade('rs1', '4.14.0');
    expect(await fleet.attempt('4.15.0')).toMatchObject({ code: 'SERVER_OUTDATED', move: { who: ['rs1'] } });
  });

  test('an upgrade that is none, and a server that is not there, are mistakes', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    await expect(fleet.upgrade('rs1', '4.14.0')).rejects.toThrow('rs1 is on 4.14.0: 4.14.0 is not newer');
    await expect(fleet.downgrade('rs1', '4.15.0')).rejects.toThrow('4.15.0 is not older');
    await expect(fleet.stop('rs2')).rejects.toThrow('there is no server rs2: there are rs1');
    expect(fleet.servers).toEqual({ rs1: '4.14.0' });
  });

  test.each([
    ['stopped', 'stop', 'start'],
    ['killed', 'kill', 'start'],
    ['cut off', 'cut', 'heal'],
  ] as const)(
    '[N1] one that is %s gets nobody, and comes back at the same address',
    async (_, away, back) => {
      await using fleet = await startFleet({ servers: ['4.14.0', '4.14.0'], timeouts: { hold: '0ms' } });
      const served = async () => (await fleet.connect('4.14.0')).server.id;
      await fleet[away]('rs1');
      expect([await served(), await served()]).toEqual(['rs2', 'rs2']);
      await fleet[away]('rs2');
      expect(await fleet.attempt('4.14.0')).toMatchObject({ verdict: 'refuse', code: 'NO_SERVER' });
      await fleet[back]('rs1');
      expect(await served()).toBe('rs1');
    },
  );
});

describe('the system tables', () => {
  test('[M3] the first newer client brings the upgrade, once', async () => {
    await using fleet = await startFleet({
      servers: ['4.14.0', '4.14.0'],
      tables: '4.13.0',
      upgradeMs: 20,
      gates: 2,
    });
    expect(fleet.level).toBe(27);
    const clients = ['gate1', 'gate2', 'gate1'].map((gate) => fleet.attempt('4.14.0', { gate }));
    expect((await Promise.all(clients)).map(({ verdict }) => verdict)).toEqual([
      'permit',
      'permit',
      'permit',
    ]);
    expect(fleet.level).toBe(28);
    expect(await fleet.upgrades()).toEqual([28]);
  });

  test('a client that must not bring it is refused', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'], tables: '4.13.0' });
    expect(await fleet.attempt('4.14.0', { upgrade: 'must-not' })).toMatchObject({
      code: 'UPGRADE_REQUIRED',
    });
    expect(fleet.level).toBe(27);
  });

  test('there are none unless asked for', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    expect(fleet.level).toBeNull();
  });
});

describe('decisions', () => {
  test('can be waited for, also when they were made already', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    const coming = fleet.decision(({ code }) => code === 'SERVER_OUTDATED');
    await fleet.attempt('4.15.0');
    const decided = await coming;
    expect(decided).toMatchObject({ event: 'handshake', client: '4.15.0', code: 'SERVER_OUTDATED' });
    expect(await fleet.decision(({ client }) => client === '4.15.0')).toBe(decided);
  });

  test('one that does not come is told with those that did', async () => {
    await using fleet = await startFleet({ servers: ['4.14.0'] });
    await fleet.attempt('4.13.0');
    await expect(fleet.decision(({ code }) => code === 'LOCKSTEP', 20)).rejects.toThrow(
      /no such decision within 20 ms; there were:\n4\.13\.0: permit PERMITTED \(rule M2\)/,
    );
  });
});

describe('options', () => {
  test('the policy is a preset or stated', async () => {
    await using strict = await startFleet({ servers: ['4.14.0'], policy: { window: 0 } });
    await using kubernetes = await startFleet({ servers: ['1.33.0'], policy: 'kubernetes' });
    expect(await strict.attempt('4.13.0')).toMatchObject({ code: 'CLIENT_OUTDATED' });
    expect(await kubernetes.attempt('1.30.0')).toMatchObject({ verdict: 'permit' });
  });

  test.each([
    [{ servers: [] }, 'startFleet: servers: needs at least 1 entry'],
    [{ servers: ['4.14'] }, '"4.14" is not a version'],
    [undefined, 'startFleet: servers: is missing'],
    [{}, 'startFleet: servers: is missing'],
    [{ servers: [{ id: 'a' }] }, 'startFleet: servers.0.version: is missing'],
    [{ servers: [{ versoin: '4.14.0' }] }, 'startFleet: servers.0'],
    [
      { servers: ['4.14.0'], table: '4.13.0' },
      'startFleet: table: there is no such key (did you mean tables?)',
    ],
    [{ servers: ['4.14.0'], upgradeMS: 5 }, '(did you mean upgradeMs?)'],
    [{ servers: ['4.14.0'], gates: 0 }, 'startFleet: gates: must be at least 1, not 0'],
    [{ servers: ['4.14.0'], tables: '4' }, 'startFleet: tables: "4" is not a version'],
    [{ servers: ['4.14.0'], serve: 1 }, 'startFleet: serve: must be a function'],
    [{ servers: ['4.14.0'], policy: { windw: 1 } }, 'startFleet: policy.windw: there is no such key'],
    [{ servers: ['4.14.0'], timeouts: { hold: 5 } }, 'startFleet: timeouts.hold: '],
    [
      {
        servers: [
          { id: 'a', version: '1.0.0' },
          { id: 'a', version: '1.0.0' },
        ],
      },
      'a second server "a"',
    ],
  ])('%j is a mistake that is named', async (options, message) => {
    await expect(startFleet(options as never)).rejects.toThrow(message);
  });
});

test('nothing is left when it is closed: sessions end, ports are free', async () => {
  const fleet = await startFleet({ servers: ['4.14.0'] });
  const session = await fleet.connect('4.14.0');
  const gone = once(session, 'close');
  const url = fleet.url('4.14.0');
  await Promise.all([fleet.close(), fleet.close(), gone]);
  await expect(connect(url)).rejects.toThrow('ECONNREFUSED');
  expect(fleet.sessions).toBe(0);
});
