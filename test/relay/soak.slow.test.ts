/** Gigabytes both ways, for each engine: a standstill that comes once in a long while shows here. */
import { test } from 'vitest';
import { buffers, streams } from '../../src/relay/engine.ts';
import { createTcpTransport } from '../../src/transport/tcp.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { sessionOf } from './pair.ts';
import { soak } from './soak.ts';

const BYTES = 128 * 1_048_576;
const SESSIONS = 8;

for (const engine of [streams, buffers])
  for (const [kind, clients] of [
    ['TCP', createTcpTransport()],
    ['WebSocket', createWsTransport()],
  ] as const)
    test(`${engine.name}: ${SESSIONS} ${kind} clients, two-way, with servers that read slowly, never stand still`, async () => {
      const way = { engine, clients, servers: createTcpTransport() };
      const seeds = Array.from({ length: SESSIONS }, (_, at) => at + 1);
      await Promise.all(seeds.map(async (seed) => soak(await sessionOf(way), { bytes: BYTES, seed })));
    });
