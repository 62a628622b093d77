/**
 * Prints how many bytes each piece of work allocates. Run in a process with `FLAGS` of count.ts: without optimising
 * compilers, and with room for all garbage, so that it depends on nothing but the code, and is the same to the byte.
 */
import { once } from 'node:events';
import { getHeapStatistics } from 'node:v8';
import type { GateEvent } from '../../src/events/events.ts';
import {
  type ClientFacts,
  type ClusterFacts,
  decide,
  freezeServers,
  PRESETS,
  parseVersion,
} from '../../src/index.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

const VERSION = parseVersion('4.13.2');
const CLIENT: ClientFacts = { version: VERSION, upgrade: 'may' };
const CLUSTER = {
  servers: freezeServers(
    ['4.14.0', '4.14.1', '4.14.1'].map((version, at) => ({
      id: `s${at}`,
      version: parseVersion(version),
      state: 'up' as const,
    })),
  ),
  level: 28,
  upgrade: { state: 'none' },
} as unknown as ClusterFacts;

/** Bytes for each time that `act` is done, to the byte. */
async function bytesEach(times: number, act: () => unknown): Promise<number> {
  for (let warm = 0; warm < 50; warm++) await act();
  globalThis.gc?.();
  const before = getHeapStatistics().used_heap_size;
  for (let time = 0; time < times; time++) await act();
  return Math.round((getHeapStatistics().used_heap_size - before) / times);
}

/** What a handshake costs in addition where the gate has an admin side. */
async function bytesOfMetrics(): Promise<number> {
  const world = virtualEnvironment();
  const metrics = createMetrics({ clock: world.clock, program: '1.2.3' });
  const events: GateEvent[] = [];
  const sinks = [{ emit: (event: GateEvent) => void events.push(event) }];
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] }, { sinks });
  metrics.attach(fleet.built);
  (await world.finish(fleet.connect('4.13.2'))).destroy();
  const handshake = events.find(({ event }) => event === 'handshake') as GateEvent;
  const bytes = await bytesEach(2_000, () => metrics.sink.emit(handshake));
  metrics.close();
  return bytes;
}

async function counted(): Promise<Record<string, number>> {
  const world = virtualEnvironment();
  await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }, { version: '4.14.0' }] });
  const session = await world.finish(fleet.connect('4.13.2'));
  const chunk = Buffer.alloc(65_536);
  session.on('data', () => {});
  return {
    'decision, the verdict': await bytesEach(2_000, () => decide(CLIENT, CLUSTER, PRESETS.phoenix).verdict),
    'decision, with its trace': await bytesEach(2_000, () =>
      JSON.stringify(decide(CLIENT, CLUSTER, PRESETS.phoenix)),
    ),
    'handshake, admitted and ended': await bytesEach(200, async () => {
      const admitted = await world.finish(fleet.connect('4.13.2'));
      admitted.destroy();
      await world.clock.run(100);
    }),
    'handshake, refused': await bytesEach(200, () => world.finish(fleet.connect('4.15.0')).catch(() => {})),
    "metrics, of a handshake's event": await bytesOfMetrics(),
    'MiB relayed there and back': await bytesEach(20, async () => {
      for (let sent = 0; sent < 16; sent++)
        if (!session.write(chunk)) await world.finish(once(session, 'drain'));
      await world.clock.run(100);
    }),
  };
}

console.log(JSON.stringify(await counted()));
