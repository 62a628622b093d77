/** `pause` and `resume`: what becomes of those who come meanwhile, what the operator sees before, and what is on record. */
import { describe, expect, test } from 'vitest';
import type { SharedOrders } from '../../src/gateway/operations.ts';
import type { Order, Orders } from '../../src/gateway/orders.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { type FleetOptions, startFleet } from '../support/gate.ts';

const ANN = { by: 'ann', reason: 'the tables are being moved' };

async function start(options: FleetOptions = {}) {
  const world = virtualEnvironment();
  const fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }],
    timeouts: { hold: '30s', probe: '5s' },
    ...options,
  });
  const waits: { code: string; reason: string }[] = [];
  const come = () => fleet.connect('4.14.0', { onWait: (wait) => waits.push(wait) });
  const { operations } = fleet.gate;
  return { world, fleet, waits, come, operations };
}

describe('a paused gate', () => {
  test('holds who comes and tells them why, does not touch its servers for them, and admits them when it goes on', async () => {
    const { world, fleet, waits, come, operations } = await start();
    await using _ = fleet;
    await operations.pause(ANN);
    const coming = come();
    await world.clock.run(10_000);
    expect(fleet.gate.status()).toMatchObject({ state: 'paused', handshakes: 1, sessions: 0, slots: 0 });
    expect(fleet.gate.status()).toMatchObject({ held: 1, heldFor: { operator: 1, upgrade: 0, server: 0 } });
    expect(new Set(waits.map(({ code }) => code))).toEqual(new Set(['PAUSED']));
    expect(waits[0]?.reason).toBe('An operator paused admission (the tables are being moved).');
    expect(fleet.server(0).clients).toEqual([]);
    await operations.resume(ANN);
    const session = await world.finish(coming);
    expect(fleet.log.handshakes).toMatchObject([{ code: 'PERMITTED', waitedFor: 'PAUSED' }]);
    expect(session.waitedMs).toBeLessThan(10_100);
    expect(fleet.gate.status()).toMatchObject({ state: 'serving', held: 0, heldFor: { operator: 0 } });
    session.destroy();
  });

  test('refuses who has waited as long as for a server, to come when the pause is over, not all at once', async () => {
    const { world, fleet, come, operations } = await start();
    await using _ = fleet;
    await operations.pause({ ...ANN, forMs: 600_000 });
    const from = world.clock.now();
    const refuse = () =>
      come().then(
        () => null,
        ({ decision, transient }) => ({ ...decision, transient }),
      );
    const refused = await world.finish(Promise.all([refuse(), refuse()]));
    expect(world.clock.now() - from).toBeGreaterThan(29_000);
    expect(world.clock.now() - from).toBeLessThan(31_000);
    for (const decision of refused) {
      expect(decision).toMatchObject({ code: 'PAUSED', retry: 'later', transient: true });
      expect(decision.retryAfterMs).toBeGreaterThan(569_000);
      expect(decision.retryAfterMs).toBeLessThan(582_000);
    }
    expect(refused[0].retryAfterMs).not.toBe(refused[1].retryAfterMs);
    expect(fleet.gate.status()).toMatchObject({ held: 0, heldFor: { operator: 0 } });
  });

  test('holds no more than may wait at once: the others are told at once when to come again', async () => {
    const { world, fleet, come, operations } = await start({
      migration: { ledger: 'memory:', hold: { clients: 2 } },
    });
    await using _ = fleet;
    await operations.pause({ ...ANN, forMs: 20_000 });
    const held = [come(), come()];
    await world.clock.run(100);
    const { decision } = await fleet.refuse('4.14.0');
    expect(decision).toMatchObject({ code: 'PAUSED', retry: 'later' });
    expect(decision.message).toContain('Refused: 2 clients wait already.');
    expect(decision.retryAfterMs).toBeGreaterThan(19_000);
    await operations.resume(ANN);
    for (const session of await world.finish(Promise.all(held))) session.destroy();
    (await fleet.admit('4.14.0')).destroy();
  });

  test('serves the sessions that it has, and admits nobody whose server answers after the pause began', async () => {
    const { world, fleet, come, operations } = await start();
    await using _ = fleet;
    const session = await fleet.admit('4.14.0');
    const late = come();
    await world.clock.run(2);
    await operations.pause(ANN);
    await world.clock.run(2_000);
    expect(fleet.gate.status().sessions).toBe(1);
    const echo = new Promise((resolve) => session.once('data', (bytes) => resolve(String(bytes))));
    session.write('still here');
    expect(await world.finish(echo)).toBe('still here');
    await operations.resume(ANN);
    for (const open of [session, await world.finish(late)]) open.destroy();
  });

  test('begins no upgrade', async () => {
    const tables = createMemoryTables(27);
    const { world, fleet, operations } = await start({
      servers: [{ version: '4.14.0', tables, upgradeMs: 100 }],
    });
    await using _ = fleet;
    await operations.pause(ANN);
    const coming = fleet.connect('4.14.0');
    await world.clock.run(5_000);
    expect(tables.level).toBe(27);
    await operations.resume(ANN);
    (await world.finish(coming)).destroy();
    expect(tables.level).toBe(28);
  });

  test('drains like every other gate: who is held is refused DRAINING', async () => {
    const { world, fleet, come, operations } = await start();
    await using _ = fleet;
    await operations.pause(ANN);
    const coming = come().catch(({ code }) => code);
    await world.clock.run(1_000);
    await world.finish(fleet.gate.stop(0));
    expect(await world.finish(coming)).toBe('DRAINING');
    // Not even for the end of the pause.
    await world.clock.run(1_000);
    expect(world.clock.pending).toBe(0);
  });

  test('goes on by itself when the time of the pause is over, and says so', async () => {
    const { world, fleet, come, operations } = await start();
    await using _ = fleet;
    const until = new Date(world.clock.now() + 10_000).toISOString();
    await operations.pause({ ...ANN, forMs: 10_000 });
    const coming = come();
    await world.clock.run(9_900);
    expect(fleet.gate.status()).toMatchObject({ state: 'paused', sessions: 0 });
    (await world.finish(coming)).destroy();
    expect(fleet.gate.status().state).toBe('serving');
    expect(fleet.log.of('operator')).toMatchObject([
      { what: 'pause', stage: 'done', until },
      { what: 'pause', stage: 'lapsed', by: 'ann', until },
    ]);
    expect(fleet.log.of('operator')[1]?.order).toBe(fleet.log.of('operator')[0]?.order);
    expect(fleet.said.at(-1)).toContain('The time of the pause is over');
  });

  test('stays paused until the last of several pauses is over, or all are taken back', async () => {
    const { world, fleet, come, operations } = await start();
    await using _ = fleet;
    await operations.pause({ ...ANN, forMs: 5_000 });
    await operations.pause({ by: 'bob', reason: 'wait for me', forMs: 15_000 });
    const coming = come();
    await world.clock.run(14_000);
    expect(fleet.gate.status()).toMatchObject({ state: 'paused', sessions: 0 });
    (await world.finish(coming)).destroy();
    await operations.pause({ ...ANN, forMs: null });
    await operations.pause({ by: 'bob', reason: '', forMs: null });
    await operations.resume(ANN);
    expect(fleet.gate.status().state).toBe('serving');
  });
});

describe('pause and resume', () => {
  test('say beforehand what they would do, and do nothing', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    const session = await fleet.admit('4.14.0');
    const preview = await operations.pause({ ...ANN, forMs: 60_000, dryRun: true });
    expect(preview).toMatchObject({ what: 'pause', dryRun: true, done: false, waitsFor: null, sessions: 0 });
    expect(preview.sentence).toBe('New clients wait for 60 s, or until resumed; 1 session goes on.');
    expect(fleet.gate.status().state).toBe('serving');
    await operations.pause(ANN);
    const back = await operations.resume({ ...ANN, dryRun: true });
    expect(back).toMatchObject({ what: 'resume', dryRun: true, done: false });
    expect(fleet.gate.status().state).toBe('paused');
    expect(fleet.log.of('operator')).toHaveLength(1);
    session.destroy();
  });

  test('are on record with who, why, and until when', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    const { details } = await operations.pause(ANN);
    await operations.resume({ by: 'bob', reason: 'done' });
    await operations.resume({ by: 'bob', reason: 'again' });
    expect(fleet.log.of('operator')).toMatchObject([
      {
        what: 'pause',
        stage: 'done',
        ...ANN,
        target: { kind: 'gate', name: null },
        order: details.order,
        scope: 'gate',
        until: details.until,
        overMs: null,
        sessions: 0,
      },
      { what: 'resume', by: 'bob', reason: 'done', order: null, until: null },
      { what: 'resume', by: 'bob', reason: 'again', effect: 'Nothing is paused.' },
    ]);
  });
});

describe('a pause for all gates', () => {
  /** The store that gates share, of one gate. */
  function store(orders: Orders): SharedOrders & { readonly held: Map<string, Order> } {
    const held = new Map<string, Order>();
    const tell = () => orders.setShared([...held.values()]);
    return {
      held,
      async share(order) {
        held.set(order.id, order);
        tell();
        return null;
      },
      async withdraw(id) {
        held.delete(id);
        tell();
        return null;
      },
    };
  }

  test('is in the store, and taken back only by a resume for all gates', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    const shared = store(fleet.gate.orders);
    operations.shareThrough(shared);
    const { details } = await operations.pause({ ...ANN, scope: 'cluster', forMs: null });
    expect([...shared.held.keys()]).toEqual([details.order]);
    expect(fleet.gate.status().state).toBe('paused');
    const alone = await operations.resume(ANN);
    expect(alone).toMatchObject({ done: false, waitsFor: expect.stringContaining('that ann ordered') });
    expect(fleet.gate.status().state).toBe('paused');
    expect(await operations.resume({ ...ANN, scope: 'cluster' })).toMatchObject({
      done: true,
      waitsFor: null,
    });
    expect(shared.held.size).toBe(0);
    expect(fleet.gate.status().state).toBe('serving');
  });

  test('is refused where gates share no store', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    await expect(operations.pause({ ...ANN, scope: 'cluster' })).rejects.toMatchObject({
      name: 'OperationError',
    });
    expect(fleet.gate.status().state).toBe('serving');
    expect(fleet.log.of('operator')).toEqual([]);
  });
});
