/** The invariant of a scrape: connections accepted = active + ended, each summed over its labels, whatever happens. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Connection } from '../../src/ports/transport.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { dialRaw, helloBytes } from '../support/raw-client.ts';
import { type Scrape, startMetered } from './support.ts';

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      at: fc.constantFrom(0, 1),
      says: fc.constantFrom('', 'nonsense', '4.13.0', '4.15.0'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 3, 40_000) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('go' as const), who: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fall' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rise' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const) }) },
);

const totals = (scrape: Scrape) => ({
  accepted: scrape.sum('skewgate_connections_accepted_total'),
  active: scrape.sum('skewgate_connections_active'),
  ended: scrape.sum('skewgate_connections_ended_total'),
});

test('holds in every scrape of a random history; in the end all that came have ended, each counted where it came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 30 }), async (acts) => {
      const world = virtualEnvironment({ latency: 1 });
      await using metered = await startMetered(world, {
        listen: [{ tcp: '127.0.0.1:0' }, { tcp: '127.0.0.1:0', assume: '4.13.0' }],
        servers: [{ version: '4.14.0' }],
        limits: { handshakes: 4, sessions: 3 },
      });
      const { fleet } = metered;
      const here: { connection: Connection; at: number }[] = [];
      let stopped = false;
      for (const one of acts) {
        if (one.kind === 'come' && !stopped) {
          const { connection } = await dialRaw(world, fleet.address(one.at));
          here.push({ connection, at: one.at });
          if (one.says !== '')
            connection.send(/^\d/.test(one.says) ? helloBytes(one.says) : Buffer.from(one.says));
        }
        if (one.kind === 'go') here[one.who % here.length]?.connection.destroy();
        if (one.kind === 'fall') await fleet.server(0).stop();
        if (one.kind === 'rise') await fleet.server(0).restart();
        if (one.kind === 'stop' && !stopped) {
          stopped = true;
          void fleet.gate.stop(1_000);
        }
        if (one.kind === 'pass') await world.clock.run(one.ms);
        const { accepted, active, ended } = totals(await metered.scrape());
        expect(accepted).toBe(active + ended);
      }
      for (const { connection } of here) connection.destroy();
      await world.clock.run(120_000);
      const last = await metered.scrape();
      expect(totals(last)).toEqual({ accepted: here.length, active: 0, ended: here.length });
      for (const at of [0, 1])
        expect(last.of('skewgate_connections_accepted_total')[`listener="${fleet.address(at)}"`]).toBe(
          here.filter((client) => client.at === at).length,
        );
    }),
    { numRuns: 60 },
  );
});
