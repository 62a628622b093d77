/** `sessions.onSkew`: what becomes of open sessions whose clients would not be admitted any more. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { ConfigError, parseConfig } from '../../src/config/load.ts';
import { realEnvironment, type TestEnvironment, virtualEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';
import { helloBytes } from '../support/raw-client.ts';

/** One server on 4.14.0, which is upgraded to 4.15.0: 4.12 falls out of the window. */
function start(
  world: TestEnvironment,
  onSkew: NonNullable<FleetOptions['sessions']>['onSkew'],
  options: FleetOptions = {},
): Promise<Fleet> {
  return startFleet(world, {
    servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
    policy: { preset: 'phoenix', systemTables: false },
    timeouts: { probe: '1s' },
    sessions: { onSkew },
    ...options,
  });
}

/** Sessions of these clients on a server that stays as it is, then the other one is upgraded. */
async function afterUpgrade(
  onSkew: NonNullable<FleetOptions['sessions']>['onSkew'],
  clients = ['4.12.0', '4.14.0', '4.12.3'],
) {
  const world = virtualEnvironment();
  const fleet = await start(world, onSkew);
  const { operations } = fleet.gate;
  await operations.drain({ by: 'ann', reason: '', target: { kind: 'server', id: 's2' } });
  const sessions = [];
  for (const version of clients) {
    const session = await fleet.admit(version);
    session.resume();
    sessions.push(session);
  }
  await fleet.server(1).restart({ version: '4.15.0' });
  await world.clock.run(1_500);
  return { world, fleet, sessions };
}

const ends = (fleet: Fleet) =>
  fleet.log.of('session-end').map(({ client, reason, code }) => [client, reason, code]);

describe('a session whose client falls out of the window', () => {
  test.each([['keep'], [undefined], [{ SERVER_OUTDATED: 'close' }], [{ M1: 'drain 1s' }]] as const)(
    'goes on with %j, though its client would be refused today',
    async (onSkew) => {
      const { world, fleet, sessions } = await afterUpgrade(onSkew);
      await using _ = fleet;
      await world.clock.run(60_000);
      expect((await fleet.refuse('4.12.0')).code).toBe('CLIENT_OUTDATED');
      expect(fleet.gate.status().sessions).toBe(3);
      expect(ends(fleet)).toEqual([]);
      for (const session of sessions) session.destroy();
    },
  );

  test.each([
    ['close'],
    [{ CLIENT_OUTDATED: 'close' }],
    [{ M2: 'close', CLIENT_OUTDATED: 'close', M1: 'keep' }],
  ] as const)('ends at once with %j, with the reason on record, and no other does', async (onSkew) => {
    const { fleet, sessions } = await afterUpgrade(onSkew);
    await using _ = fleet;
    expect(ends(fleet)).toEqual([
      ['4.12.0', 'skew', 'CLIENT_OUTDATED'],
      ['4.12.3', 'skew', 'CLIENT_OUTDATED'],
    ]);
    expect(fleet.log.of('session-end')[0]?.message).toContain('4.12.0');
    expect(fleet.gate.sessions.list().map(({ client }) => client)).toEqual(['4.14.0']);
    for (const session of sessions) session.destroy();
  });

  test('ends evenly over the time with drain', async () => {
    const { world, fleet, sessions } = await afterUpgrade('drain 20s', ['4.12.3', '4.12.0', '4.14.0']);
    await using _ = fleet;
    expect(ends(fleet)).toEqual([]);
    await world.clock.run(10_000);
    expect(ends(fleet)).toEqual([['4.12.0', 'skew', 'CLIENT_OUTDATED']]);
    await world.clock.run(10_000);
    expect(ends(fleet)).toHaveLength(2);
    await world.clock.run(60_000);
    expect(fleet.gate.status().sessions).toBe(1);
    for (const session of sessions) session.destroy();
  });

  test('goes on where its turn comes only after the cluster is again as it was', async () => {
    const { world, fleet, sessions } = await afterUpgrade('drain 20s', ['4.12.0', '4.12.0']);
    await using _ = fleet;
    await world.clock.run(11_000);
    expect(ends(fleet)).toHaveLength(1);
    await fleet.server(1).restart({ version: '4.14.1' });
    await world.clock.run(60_000);
    expect(ends(fleet)).toHaveLength(1);
    await fleet.server(1).restart({ version: '4.15.0' });
    await world.clock.run(22_000);
    expect(ends(fleet)).toHaveLength(2);
    for (const session of sessions) session.destroy();
  });

  test('sees the reason as the close of its WebSocket', async () => {
    await using fleet = await start(realEnvironment, 'close', { listen: [{ ws: '127.0.0.1:0' }] });
    await fleet.gate.operations.drain({ by: 'ann', reason: '', target: { kind: 'server', id: 's2' } });
    const client = new WebSocket(fleet.address());
    onTestFinished(() => client.terminate());
    client.on('error', () => {});
    await once(client, 'open');
    client.send(helloBytes('4.12.0'));
    await fleet.log.until('handshake', { code: 'PERMITTED' });
    const closed = once(client, 'close');
    await fleet.server(1).restart({ version: '4.15.0' });
    const [code, reason] = (await closed) as [number, Buffer];
    expect(code).toBe(4003);
    expect(reason.toString()).toMatch(/^CLIENT_OUTDATED: Client 4\.12\.0 is too old/);
    expect(await fleet.log.until('session-end')).toMatchObject({ reason: 'skew', code: 'CLIENT_OUTDATED' });
  });
});

describe('the key sessions.onSkew', () => {
  const parse = (onSkew: string) =>
    parseConfig(`listen: [{ tcp: 127.0.0.1:0 }]
servers: [{ id: rs1, address: tcp://127.0.0.1:9001 }]
sessions: { onSkew: ${onSkew} }
`);

  test.each(['drop', 'drain', 'drain soon', '{ CLIENT_OUTDATED: drop }', '{ NO_SERVER: close }', '5'])(
    'does not take %s',
    (text) => expect(() => parse(text)).toThrow(ConfigError),
  );

  test.each(['keep', 'close', 'drain 10m', '{ CLIENT_OUTDATED: drain 90s, M1: close }'])('takes %s', (text) =>
    expect(() => parse(text)).not.toThrow(),
  );
});
