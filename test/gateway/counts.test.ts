/**
 * What the gate counts: against its limits, never over them, and nothing left once everybody is gone; and its
 * connections, of which none is counted twice, or forgotten.
 */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Connection } from '../../src/ports/transport.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { dialRaw, helloBytes } from '../support/raw-client.ts';

const LIMITS = { handshakes: 4, sessions: 3 };
const WAITING = 2;

const sumOf = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

const server = fc.constantFrom(0, 1);
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      at: fc.constantFrom(0, 1),
      /** At once: 4.13 is admitted, 4.14 brings the upgrade, 4.15 is refused. */
      says: fc.constantFrom('', 'nonsense', '4.13.0', '4.14.0', '4.15.0'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(0, 1, 3, 100, 4_000, 40_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('go' as const),
      who: fc.nat(),
      how: fc.constantFrom('end' as const, 'destroy' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fall' as const), server }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rise' as const), server }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const) }) },
);

test('clients come, speak, hang and leave, servers fall and rise, the gate stops: every place is given back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
      const world = virtualEnvironment({ latency: 1 });
      const tables = createMemoryTables(27);
      const simulated = { version: '4.14.0', tables, upgradeMs: 5_000 };
      await using fleet = await startFleet(world, {
        listen: [{ tcp: '127.0.0.1:0' }, { tcp: '127.0.0.1:0', assume: '4.13.0' }],
        servers: [simulated, simulated],
        limits: LIMITS,
        migration: { ledger: 'memory:', hold: { clients: WAITING } },
      });
      const { gate, cluster } = fleet;
      const counts = () => ({
        handshakes: gate.status().handshakes,
        slots: gate.status().slots,
        held: gate.status().held,
        sessions: gate.status().sessions,
        served: cluster.servers.reduce((sum, { sessions }) => sum + sessions, 0),
        active: gate.status().connections.active,
      });
      const check = () => {
        const { handshakes, slots, held, sessions, served, active } = counts();
        expect(handshakes).toBeLessThanOrEqual(LIMITS.handshakes);
        expect(slots).toBeLessThanOrEqual(LIMITS.sessions);
        expect(held).toBeLessThanOrEqual(WAITING);
        expect(sessions).toBeLessThanOrEqual(slots);
        expect(served).toBe(sessions);
        expect(active).toBe(handshakes + sessions);
        const { accepted, ended } = gate.status().connections;
        expect(sumOf(accepted)).toBe(active + sumOf(ended));
        const { heldFor } = gate.status();
        expect(Math.min(...Object.values(heldFor))).toBeGreaterThanOrEqual(0);
        expect(heldFor.upgrade + heldFor.server + heldFor.operator).toBeLessThanOrEqual(handshakes);
        expect(Math.min(handshakes, held, sessions)).toBeGreaterThanOrEqual(0);
      };
      const here: Connection[] = [];
      let stopped = false;
      for (const one of acts) {
        if (one.kind === 'come' && !stopped) {
          const { connection } = await dialRaw(world, fleet.address(one.at));
          here.push(connection);
          if (one.says !== '')
            connection.send(/^\d/.test(one.says) ? helloBytes(one.says) : Buffer.from(one.says));
        }
        if (one.kind === 'go') here[one.who % here.length]?.[one.how]();
        if (one.kind === 'fall') await fleet.server(one.server).stop();
        if (one.kind === 'rise') await fleet.server(one.server).restart();
        if (one.kind === 'stop' && !stopped) {
          stopped = true;
          void gate.stop(1_000);
        }
        if (one.kind === 'pass') await world.clock.run(one.ms);
        // A client on its way from its handshake to its session is in neither until this turn is over.
        await turn();
        check();
      }
      for (const connection of here) connection.destroy();
      await world.clock.run(120_000);
      expect(counts()).toEqual({ handshakes: 0, slots: 0, held: 0, sessions: 0, served: 0, active: 0 });
      expect(gate.status().heldFor).toEqual({ upgrade: 0, server: 0, operator: 0 });
      const { accepted, ended } = gate.status().connections;
      expect([sumOf(accepted), sumOf(ended)]).toEqual([here.length, here.length]);
      const refused = fleet.log.handshakes.filter(
        ({ verdict, code }) => verdict === 'refuse' && code !== 'CLIENT_LEFT',
      );
      expect(ended.get('refused') ?? 0).toBe(refused.length);
      const causes = fleet.log.of('session-end').map(({ reason }) => reason);
      for (const reason of causes)
        expect(ended.get(reason)).toBe(causes.filter((cause) => cause === reason).length);
    }),
    { numRuns: 200 },
  );
});
