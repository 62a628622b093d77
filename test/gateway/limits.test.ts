/** One source that has too many, asks too often or sends too much: others are served, and it costs a bounded amount. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RefusedError } from '../../src/client/session.ts';
import { TOLD_OF_SOURCE } from '../../src/gateway/turned-away.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';
import { connectFrom, silentFrom, socketFrom, worldAt } from '../support/places.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';

const HERE = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';

async function fleetWith(limits: FleetOptions['limits'], more: FleetOptions = {}) {
  const world = virtualEnvironment();
  const metrics = createMetrics({ clock: world.clock, program: '0' });
  const fleet = await startFleet(
    world,
    { servers: [{ version: '4.14.0' }], timeouts: { probe: '1h' }, limits, ...more },
    { sinks: [metrics.sink] },
  );
  onTestFinished(async () => {
    metrics.close();
    await fleet[Symbol.asyncDispose]();
  });
  /** As a scrape would have it. */
  const turnedAway = async (limit: string) => {
    const [line = ''] =
      (await metrics.text()).match(new RegExp(`.*refusals_total{limit="${limit}"}.*`)) ?? [];
    return Number(line.split(' ').at(-1));
  };
  return { world, fleet, turnedAway };
}

/** What a client from `host` gets: `admitted`, or the code and the name of what it was thrown. */
async function outcomeOf(fleet: Fleet, host: string): Promise<string> {
  const { world } = fleet;
  const outcome = await world.finish(connectFrom(fleet, host, '4.14.0').catch((error) => error));
  return outcome.code ?? (outcome instanceof Error ? outcome.name : 'admitted');
}

describe.each([
  ['connectionsPerSource', { connectionsPerSource: 3 }],
  ['connectRate', { connectRate: { perSecond: 1, burst: 3 } }],
] as const)('%s', (limit, limits) => {
  test('one over it is told so, with a record and a metric; a client of another source is let in', async () => {
    const { fleet, turnedAway } = await fleetWith(limits);
    for (let at = 0; at < 3; at++) expect(await outcomeOf(fleet, HERE)).toBe('admitted');
    expect(await outcomeOf(fleet, HERE)).toBe('TOO_MANY_CONNECTIONS');
    expect(await outcomeOf(fleet, ELSEWHERE)).toBe('admitted');
    const [record] = fleet.log.of('handshake', { verdict: 'refuse' });
    expect(record).toMatchObject({
      code: 'TOO_MANY_CONNECTIONS',
      limit,
      message: expect.stringContaining(HERE),
    });
    expect(record?.retryAfterMs).toBeGreaterThan(0);
    expect(fleet.log.of('handshake', { verdict: 'permit' }).some((line) => 'limit' in line)).toBe(false);
    expect(await turnedAway(limit)).toBe(1);
  });
});

describe('a flood from one source', () => {
  const FLOOD = 20_000;

  test('leaves the others what they had: a client elsewhere is let in as fast as on an idle gate', async () => {
    const { world, fleet } = await fleetWith({ handshakes: 1_000 });
    const timed = async () => {
      const from = world.clock.monotonic();
      const outcome = await outcomeOf(fleet, ELSEWHERE);
      return { outcome, ms: world.clock.monotonic() - from };
    };
    const idle = await timed();
    await silentFrom(fleet, HERE, FLOOD);
    expect(fleet.gate.status().handshakes).toBe(500);
    expect(await timed()).toEqual({ outcome: 'admitted', ms: idle.ms });
    expect(idle.outcome).toBe('admitted');
  });

  test('costs few records, none of them silent about how many there were', async () => {
    const { world, fleet, turnedAway } = await fleetWith(
      { handshakesPerSource: 10 },
      { timeouts: { handshake: '1h' } },
    );
    await silentFrom(fleet, HERE, FLOOD);
    await world.clock.run(1_000);
    const told = fleet.log.of('handshake', { limit: 'handshakesPerSource' });
    const summaries = fleet.log.of('turned-away');
    expect(told).toHaveLength(TOLD_OF_SOURCE);
    expect(summaries).toEqual([
      expect.objectContaining({
        limit: 'handshakesPerSource',
        source: HERE,
        count: FLOOD - 10 - TOLD_OF_SOURCE,
      }),
    ]);
    expect(await turnedAway('handshakesPerSource')).toBe(FLOOD - 10);
    const { connections, handshakes } = fleet.gate.status();
    expect(handshakes).toBe(10);
    expect(connections.active).toBe(10);
    expect(connections.ended.get('refused')).toBe(FLOOD - 10);
  });

  test('is cut off before a byte of it is read', async () => {
    const { world, fleet } = await fleetWith({ handshakesPerSource: 1 });
    await silentFrom(fleet, HERE, 1 + TOLD_OF_SOURCE);
    const own = worldAt(world, HERE);
    const cut = await Promise.all(Array.from({ length: 50 }, () => dialRaw(own, fleet.address())));
    for (const { connection } of cut) connection.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await world.clock.run(100);
    for (const { closed, received } of cut) {
      expect(closed?.message).toMatch(/reset/);
      expect(received).toBe(0);
    }
    expect(fleet.log.codes).toEqual(Array(TOLD_OF_SOURCE).fill('TOO_MANY_CONNECTIONS'));
  });

  test('of many sources has a bounded number of records each second', async () => {
    const { world, fleet } = await fleetWith({ connectionsPerSource: 1 });
    for (let at = 0; at < 300; at++)
      await silentFrom(fleet, `198.51.${at % 100}.${Math.floor(at / 100)}`, 10);
    await world.clock.run(1_000);
    const records = fleet.log.lines.filter(({ limit }) => limit === 'connectionsPerSource');
    expect(records.length).toBeLessThanOrEqual(100 + 101);
    const further = fleet.log.of('turned-away', { source: null });
    expect(further).toHaveLength(1);
    const counted = fleet.log.of('turned-away').reduce((sum, { count }) => sum + count, 0);
    expect(counted + fleet.log.of('handshake').length).toBe(2_700);
  });

  test('that is over leaves nothing behind', async () => {
    const { world, fleet } = await fleetWith({ handshakesPerSource: 100 });
    const recorders = await silentFrom(fleet, HERE, FLOOD);
    for (const { connection } of recorders) connection.destroy();
    await world.clock.run(2_000);
    expect(fleet.gate.status()).toMatchObject({ handshakes: 0, sessions: 0, heldBytes: 0 });
    expect(fleet.gate.status().connections.active).toBe(0);
    expect(await outcomeOf(fleet, HERE)).toBe('admitted');
  });
});

test('on sockets: a flood from 127.0.0.3 keeps nobody at 127.0.0.2 out', async () => {
  await using fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }],
    limits: { handshakes: 40, exempt: [] },
  });
  const port = Number(fleet.address().split(':').at(-1));
  const flood = await Promise.all(Array.from({ length: 200 }, () => socketFrom('127.0.0.3', port)));
  onTestFinished(() => {
    for (const socket of flood) socket?.destroy();
  });
  await fleet.log.until('turned-away', { limit: 'handshakesPerSource', source: '127.0.0.3' });
  expect(fleet.gate.status().handshakes).toBe(20);
  for (let at = 0; at < 10; at++) {
    const socket = await socketFrom('127.0.0.2', port);
    socket?.write(helloBytes('4.14.0'));
    const [bytes] = await once(socket ?? flood[0] ?? fleet.log.stream, 'data');
    expect(answersIn(bytes).permit).not.toBeNull();
    socket?.destroy();
  }
  expect(fleet.log.of('handshake', { verdict: 'permit' })).toHaveLength(10);
});

describe('memory for those who wait', () => {
  const EARLY = 10_000;

  async function heldWith(heldMemory: string) {
    const made = await fleetWith({ heldMemory });
    await made.fleet.gate.operations.pause({ by: 'test', reason: 'a test' });
    /** Clients that are held, each with so much sent behind its hello. */
    const come = async (host: string, count: number) => {
      const own = worldAt(made.world, host);
      const all = await Promise.all(Array.from({ length: count }, () => dialRaw(own, made.fleet.address())));
      for (const { connection } of all) {
        connection.send(helloBytes('4.14.0'));
        connection.send(new Uint8Array(EARLY));
      }
      await made.world.clock.run(100);
      return all;
    };
    return { ...made, come };
  }

  test('over it, who sends more is refused with a code; who sends nothing waits on', async () => {
    const { fleet, come, turnedAway } = await heldWith('512kb');
    const quiet = connectFrom(fleet, HERE, '4.14.0').catch((error: RefusedError) => error);
    await come(HERE, 20);
    await come(ELSEWHERE, 20);
    expect(fleet.log.of('handshake')).toEqual([]);
    const over = await come('192.0.2.3', 20);
    const refused = fleet.log.of('handshake', { limit: 'heldMemory', code: 'TOO_MANY_CONNECTIONS' });
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(20);
    expect(answersIn(over.at(-1)?.bytes as Buffer).refuse?.code).toBe('TOO_MANY_CONNECTIONS');
    expect(await turnedAway('heldMemory')).toBe(refused.length);
    expect(fleet.gate.status().heldBytes).toBeLessThanOrEqual(524_288);
    await fleet.gate.operations.resume({ by: 'test', reason: 'a test' });
    expect(await fleet.world.finish(quiet)).not.toBeInstanceOf(Error);
  });

  test('no source has more than half, so that another one still has some', async () => {
    const { fleet, come } = await heldWith('400kb');
    await come(HERE, 100);
    expect(fleet.gate.status().heldBytes).toBeLessThanOrEqual(204_800);
    expect(fleet.log.codes).toContain('TOO_MANY_CONNECTIONS');
    const before = fleet.log.codes.length;
    await come(ELSEWHERE, 10);
    expect(fleet.log.codes).toHaveLength(before);
  });

  test('is given back as they are let in, and as they leave', async () => {
    const { world, fleet, come } = await heldWith('1mb');
    const all = await come(HERE, 20);
    expect(fleet.gate.status().heldBytes).toBeGreaterThan(20 * EARLY);
    for (const { connection } of all.slice(0, 10)) connection.destroy();
    await world.clock.run(100);
    expect(fleet.gate.status().heldBytes).toBeLessThan(15 * EARLY);
    await fleet.gate.operations.resume({ by: 'test', reason: 'a test' });
    await world.clock.run(2_000);
    expect(fleet.gate.status()).toMatchObject({ sessions: 10, heldBytes: 0 });
  });

  test('many small pieces are no way around it', async () => {
    const { world, fleet } = await heldWith('200kb');
    const client = await dialRaw(worldAt(world, HERE), fleet.address());
    client.connection.send(helloBytes('4.14.0'));
    for (let at = 0; at < 2_000; at++) client.connection.send(Uint8Array.of(1));
    await world.clock.run(100);
    expect(fleet.log.of('handshake', { limit: 'heldMemory' })).toHaveLength(1);
    expect(fleet.gate.status().heldBytes).toBe(0);
  });
});

describe('sessions that carry nothing', () => {
  const idle = { timeouts: { idle: '8s', probe: '1h' } } as const;

  async function sessionOn(more: FleetOptions) {
    const { world, fleet } = await fleetWith({}, more);
    return { world, fleet, session: await fleet.admit('4.14.0') };
  }

  test('are ended after their time, with a code; on record is why', async () => {
    const { world, fleet, session } = await sessionOn(idle);
    session.on('error', () => {}).resume();
    await world.clock.run(7_900);
    expect(fleet.gate.status().sessions).toBe(1);
    await world.clock.run(1_200);
    expect(fleet.gate.status().sessions).toBe(0);
    expect(fleet.log.of('session-end')).toMatchObject([
      { reason: 'idle', code: 'SESSION_IDLE', message: 'The session carried nothing for 8 s.' },
    ]);
    expect(fleet.gate.status().connections.ended.get('idle')).toBe(1);
  });

  test('one byte now and then, either way, keeps one', async () => {
    const { world, fleet, session } = await sessionOn(idle);
    session.on('error', () => {}).resume();
    for (let at = 0; at < 10; at++) {
      session.write('x');
      await world.clock.run(6_500);
    }
    expect(fleet.gate.status().sessions).toBe(1);
    session.destroy();
  });

  test('last as long as they like by default, and a reload changes that', async () => {
    const { world, fleet, session } = await sessionOn({});
    session.on('error', () => {}).resume();
    await world.clock.run(24 * 3_600_000);
    expect(fleet.gate.status().sessions).toBe(1);
    const { config, reconfiguration } = fleet.built;
    const next = { ...config, timeouts: { ...config.timeouts, idle: 1_000 } };
    (await world.finish(reconfiguration.prepare(next))).commit();
    await world.clock.run(2_000);
    expect(fleet.log.of('session-end')).toMatchObject([{ reason: 'idle' }]);
  });
});

test('a reload changes what a source may have, also of one that is at its limit', async () => {
  const { fleet } = await fleetWith({ connectionsPerSource: 1 });
  const reload = async (connectionsPerSource: number) => {
    const { config, reconfiguration } = fleet.built;
    const next = { ...config, limits: { ...config.limits, connectionsPerSource } };
    (await fleet.world.finish(reconfiguration.prepare(next))).commit();
  };
  expect([await outcomeOf(fleet, HERE), await outcomeOf(fleet, HERE)]).toEqual([
    'admitted',
    'TOO_MANY_CONNECTIONS',
  ]);
  await reload(2);
  expect([await outcomeOf(fleet, HERE), await outcomeOf(fleet, HERE)]).toEqual([
    'admitted',
    'TOO_MANY_CONNECTIONS',
  ]);
  await reload(1);
  expect(await outcomeOf(fleet, HERE)).toBe('TOO_MANY_CONNECTIONS');
  expect(fleet.gate.status().sessions).toBe(2);
});
