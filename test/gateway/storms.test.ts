/** When many are held, whatever for, they get in at the ramp once that is over: none at once, all within the stated time. */
import { describe, expect, test } from 'vitest';
import { FASTEST } from '../../src/gateway/ramp.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';

const BY = { by: 'test', reason: 'a storm' };
/** In the first second; what the config has by default. */
const RAMP = 100;
/** ms of a handshake, and until a gate notices by itself that a server is back or an upgrade is done. */
const NOTICE = 3_000;

/** Clients that come at once, and the moments at which they were let in; each leaves again. */
function come(fleet: Fleet, clients: number, version = '4.14.0') {
  const admitted: number[] = [];
  const codes = new Set<string>();
  const all = Array.from({ length: clients }, () =>
    fleet.connect(version).then(
      (session) => {
        admitted.push(fleet.world.clock.monotonic());
        session.on('error', () => {}).destroy();
      },
      ({ code }) => codes.add(code),
    ),
  );
  return { admitted, codes, all: Promise.all(all) };
}

/** A gate whose server runs; `close` keeps clients out, `open` lets them in again. */
const CAUSES = [
  {
    what: 'a pause is over',
    server: {},
    close: (fleet: Fleet) => fleet.gate.operations.pause(BY),
    open: (fleet: Fleet) => fleet.gate.operations.resume(BY),
  },
  {
    what: 'a server is back',
    server: {},
    close: (fleet: Fleet) => fleet.world.finish(fleet.server(0).running.close()),
    open: (fleet: Fleet) => fleet.server(0).restart(),
  },
  {
    what: 'an upgrade is done',
    server: { tables: createMemoryTables(27), upgradeMs: 20_000 },
    close: async () => {},
    open: async () => {},
  },
];

describe.each(CAUSES)('$what', ({ server, close, open }) => {
  test('a thousand get in at the ramp, and within the time that is stated', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0', ...server }] });
    await close(fleet);
    const { admitted, codes, all } = come(fleet, 1_000);
    await world.clock.run(10_000);
    expect(admitted).toEqual([]);
    await open(fleet);
    await world.clock.until(all);
    expect([...codes]).toEqual([]);
    expect(admitted).toHaveLength(1_000);
    const first = admitted[0] as number;
    const within = (seconds: number) => admitted.filter((at) => at < first + 1_000 * seconds).length;
    expect(within(1)).toBeLessThanOrEqual(1.1 * RAMP);
    expect(within(2)).toBeLessThanOrEqual(3.3 * RAMP);
    const bound = 1_000 * (Math.log2(1 + 1_000 / RAMP) + 1_000 / FASTEST);
    expect((admitted.at(-1) as number) - first).toBeLessThanOrEqual(bound + NOTICE);
  });
});

test('newcomers take turns with those who were held, who are not overtaken by them', async () => {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
  await fleet.gate.operations.pause(BY);
  const held = come(fleet, 300);
  await world.clock.run(1_000);
  await fleet.gate.operations.resume(BY);
  await world.clock.run(100);
  const newcomers = come(fleet, 300);
  await world.clock.until(Promise.all([held.all, newcomers.all]));
  expect(Math.max(...held.admitted)).toBeLessThanOrEqual(Math.min(...newcomers.admitted));
  const later = come(fleet, 1, '4.13.0');
  const from = world.clock.monotonic();
  await world.clock.until(later.all);
  expect((later.admitted[0] as number) - from).toBeLessThan(50);
});

test('one that finds no room is told when to come: after those who wait, and not all at one moment', async () => {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }],
    limits: { handshakes: 500 },
  });
  await fleet.gate.operations.pause(BY);
  const { all } = come(fleet, 700);
  await world.clock.run(1_000);
  const refused = fleet.log.handshakes.filter(({ code }) => code === 'TOO_MANY_CONNECTIONS');
  expect(refused).toHaveLength(200);
  const times = refused.map(({ retryAfterMs }) => retryAfterMs as number);
  const queue = 1_000 * Math.log2(1 + 500 / RAMP);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(queue - 1);
  expect(Math.max(...times)).toBeLessThanOrEqual(2 * queue + 1);
  expect(new Set(times).size).toBeGreaterThan(100);
  await fleet.gate.operations.resume(BY);
  await world.clock.until(all);
});
