/** The clock of a gate's machine is set while the gate runs. What goes by the date follows, what lasts does not. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { NodeClock } from '../../../src/fleet/node-clock.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { virtualEnvironment } from '../../support/environment.ts';
import { type FleetOptions, startFleet } from '../../support/gate.ts';
import { OPERATOR } from '../../support/ledger.ts';

const HOUR = 3_600_000;
const STEPS = [
  ['two hours forwards', 2 * HOUR],
  ['two hours backwards', -2 * HOUR],
] as const;

/** A gate on a machine of its own at midnight, UTC; the ledger's time is the true one. */
async function start({ migration, upgradeMs = 1_000 }: FleetOptions & { upgradeMs?: number } = {}) {
  const world = virtualEnvironment();
  const clock = new NodeClock(world.clock);
  const store = new MemoryStore(world.clock);
  const server = { version: '4.14.0', tables: createMemoryTables(27), upgradeMs };
  const options = { servers: [server], store, ...(migration !== undefined && { migration }) };
  const fleet = await startFleet({ ...world, clock }, options);
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { world, clock, fleet, ledger: new Ledger(store, 'main', world.clock) };
}

describe('the window of an upgrade', () => {
  const migration = { trigger: { window: '02:00-04:00' } };

  test('opens as soon as the clock is set right, not when it would have by the wrong one', async () => {
    const { clock, fleet } = await start({ migration });
    const early = await fleet.refuse('4.14.0');
    expect(early.code).toBe('UPGRADE_REQUIRED');
    expect(Math.abs((early.retryAfterMs ?? 0) - 2 * HOUR)).toBeLessThan(1_000);
    clock.skew = 2.5 * HOUR;
    expect((await fleet.admit('4.14.0')).schemaLevel).toBe(28);
  });

  test('is closed as soon as the clock is set back to before it', async () => {
    const { clock, fleet } = await start({ migration });
    clock.skew = 2.5 * HOUR;
    (await fleet.admit('4.13.0')).destroy();
    clock.skew = HOUR;
    const refused = await fleet.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_REQUIRED');
    expect(Math.abs((refused.retryAfterMs ?? 0) - HOUR)).toBeLessThan(1_000);
  });
});

describe.each(STEPS)('the clock is set %s', (_, step) => {
  test('a block of an hour still ends after an hour, and clients are told so', async () => {
    const { world, clock, fleet, ledger } = await start();
    await ledger.block(OPERATOR, world.clock.now() + HOUR);
    await world.clock.run(2_000);
    expect((await fleet.refuse('4.14.0')).retryAfterMs).toBeGreaterThan(HOUR - 10_000);
    clock.skew = step;
    // At once, before the ledger is read again.
    const refused = await fleet.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_BLOCKED');
    expect(refused.retryAfterMs).toBeGreaterThan(HOUR - 10_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(HOUR);
    await world.clock.run(HOUR - 60_000);
    expect((await fleet.refuse('4.14.0')).code).toBe('UPGRADE_BLOCKED');
    await world.clock.run(60_000);
    expect((await fleet.admit('4.14.0')).schemaLevel).toBe(28);
    expect(fleet.log.of('migration', { what: 'clock-skew' })).toMatchObject([{ aheadMs: step }]);
  });

  test('who is held is held for as long as before, no shorter and no longer', async () => {
    const { world, clock, fleet } = await start({
      migration: { hold: { deadline: '5s' } },
      upgradeMs: 60_000,
    });
    let code = 'waits';
    fleet.connect('4.14.0').catch((error) => {
      code = error.code;
    });
    await world.clock.run(2_000);
    clock.skew = step;
    await world.clock.run(2_900);
    expect(code).toBe('waits');
    await world.clock.run(1_100);
    expect(code).toBe('UPGRADE_IN_PROGRESS');
    const [refused] = fleet.log.handshakes;
    expect(refused?.phases.heldMs).toBeGreaterThan(4_900);
    expect(refused?.phases.totalMs).toBeLessThan(6_100);
  });

  test('an upgrade that runs keeps its lease and is not run twice', async () => {
    const { world, clock, fleet, ledger } = await start({ upgradeMs: 40_000 });
    const held = fleet.connect('4.14.0');
    held.catch(() => {});
    for (const skew of [step, 0, -step]) {
      await world.clock.run(10_000);
      clock.skew = skew;
    }
    (await world.finish(held)).destroy();
    const kinds = (await ledger.history()).map(({ what }) => what);
    expect(kinds.filter((what) => what === 'running')).toHaveLength(1);
    expect(kinds.filter((what) => what === 'done')).toHaveLength(1);
    expect(fleet.log.of('migration', { what: 'lost' })).toEqual([]);
  });

  test('the log has the new date at once; how long a session lasted is not changed by it', async () => {
    const { world, clock, fleet } = await start();
    const session = await fleet.admit('4.13.0');
    clock.skew = step;
    await world.clock.run(3_000);
    session.destroy();
    await world.clock.run(1_000);
    const [admitted] = fleet.log.handshakes;
    const [ended] = fleet.log.of('session-end');
    expect(ended?.durationMs).toBeGreaterThan(2_900);
    expect(ended?.durationMs).toBeLessThan(3_200);
    const apart = Date.parse(ended?.time) - Date.parse(admitted?.time);
    expect(Math.abs(apart - step - 3_000)).toBeLessThan(200);
    expect(fleet.gate.sessions.list()).toEqual([]);
    const later = await fleet.admit('4.13.0');
    const [listed] = fleet.gate.sessions.list();
    expect(Math.abs((listed?.since ?? 0) - clock.now())).toBeLessThan(1_000);
    later.destroy();
  });
});
