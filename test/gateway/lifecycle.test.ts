/** Where a gate stands: the legal ways on, and what a pause does to those who come meanwhile. */
import { describe, expect, test } from 'vitest';
import { Lifecycle, type LifecycleState } from '../../src/gateway/lifecycle.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

type Exit = 'serve' | 'pause' | 'resume' | 'drain' | 'finish';

/** How to get into each state, and where its legal exits lead. */
const STATES: Readonly<Record<LifecycleState, { by: Exit[]; exits: Partial<Record<Exit, LifecycleState>> }>> =
  {
    starting: { by: [], exits: { serve: 'serving', drain: 'draining' } },
    serving: { by: ['serve'], exits: { pause: 'paused', drain: 'draining' } },
    paused: { by: ['serve', 'pause'], exits: { resume: 'serving', drain: 'draining' } },
    draining: { by: ['serve', 'drain'], exits: { finish: 'stopped' } },
    stopped: { by: ['drain', 'finish'], exits: {} },
  };
const EXITS: readonly Exit[] = ['serve', 'pause', 'resume', 'drain', 'finish'];
const CASES = Object.entries(STATES).flatMap(([state, { by, exits }]) =>
  EXITS.map((exit) => ({ state, by, exit, to: exits[exit] })),
);

function into(by: readonly Exit[]): Lifecycle {
  const lifecycle = new Lifecycle();
  for (const exit of by) lifecycle[exit]();
  return lifecycle;
}

describe('the lifecycle', () => {
  test.each(CASES.filter(({ to }) => to !== undefined))('$state, $exit(): $to', ({ by, exit, to }) => {
    const lifecycle = into(by);
    const told = lifecycle.changes.count;
    lifecycle[exit]();
    expect(lifecycle.state).toBe(to);
    expect(lifecycle.changes.count).toBe(told + 1);
    expect(lifecycle.closing.aborted).toBe(to === 'draining' || to === 'stopped');
  });

  test.each(CASES.filter(({ to }) => to === undefined))(
    '$state, $exit(): an error, and nothing changes',
    ({ state, by, exit }) => {
      const lifecycle = into(by);
      const told = lifecycle.changes.count;
      expect(() => lifecycle[exit]()).toThrow(expect.objectContaining({ name: 'MisuseError' }));
      expect(lifecycle.state).toBe(state);
      expect(lifecycle.changes.count).toBe(told);
    },
  );
});

describe('a paused gate', () => {
  const start = async () => {
    const world = virtualEnvironment();
    const fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      timeouts: { hold: '30s', probe: '5s' },
    });
    const waits: string[] = [];
    const come = () => fleet.connect('4.14.0', { onWait: ({ code }) => waits.push(code) });
    return { world, fleet, waits, come };
  };

  test('holds who comes, does not touch its servers for them, and admits them when it goes on', async () => {
    const { world, fleet, waits, come } = await start();
    await using _ = fleet;
    fleet.gate.pause();
    const coming = come();
    await world.clock.run(10_000);
    expect(fleet.gate.status()).toMatchObject({
      state: 'paused',
      handshakes: 1,
      sessions: 0,
      slots: 0,
      heldFor: { operator: 1 },
    });
    expect(new Set(waits)).toEqual(new Set(['PAUSED']));
    expect(fleet.server(0).clients).toEqual([]);
    fleet.gate.resume();
    const session = await world.finish(coming);
    expect(fleet.log.handshakes).toMatchObject([{ code: 'PERMITTED', waitedFor: 'PAUSED' }]);
    expect(session.waitedMs).toBeLessThan(10_100);
    session.destroy();
  });

  test('refuses who has waited as long as for a server, to come later', async () => {
    const { world, fleet, come } = await start();
    await using _ = fleet;
    fleet.gate.pause();
    const from = world.clock.now();
    const outcome = await world.finish(come().catch(({ code, transient }) => ({ code, transient })));
    expect(outcome).toEqual({ code: 'PAUSED', transient: true });
    expect(world.clock.now() - from).toBeGreaterThan(29_000);
    expect(world.clock.now() - from).toBeLessThan(31_000);
  });

  test('serves the sessions that it has, and admits nobody whose server answers after the pause began', async () => {
    const { world, fleet, come } = await start();
    await using _ = fleet;
    const session = await fleet.admit('4.14.0');
    const late = come();
    await world.clock.run(2);
    fleet.gate.pause();
    await world.clock.run(2_000);
    expect(fleet.gate.status().sessions).toBe(1);
    const echo = new Promise((resolve) => session.once('data', (bytes) => resolve(String(bytes))));
    session.write('still here');
    expect(await world.finish(echo)).toBe('still here');
    fleet.gate.resume();
    for (const open of [session, await world.finish(late)]) open.destroy();
  });

  test('begins no upgrade', async () => {
    const world = virtualEnvironment();
    const tables = createMemoryTables(27);
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0', tables, upgradeMs: 100 }] });
    fleet.gate.pause();
    const coming = fleet.connect('4.14.0');
    await world.clock.run(5_000);
    expect(tables.level).toBe(27);
    fleet.gate.resume();
    (await world.finish(coming)).destroy();
    expect(tables.level).toBe(28);
  });

  test('drains like every other gate: who is held is refused DRAINING', async () => {
    const { world, fleet, come } = await start();
    await using _ = fleet;
    fleet.gate.pause();
    const coming = come().catch(({ code }) => code);
    await world.clock.run(1_000);
    await world.finish(fleet.gate.stop(0));
    expect(await world.finish(coming)).toBe('DRAINING');
  });
});
