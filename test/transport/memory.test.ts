import { realClock } from '../../src/runtime/clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { describeTransport } from './contract.ts';

for (const latency of [0, 2])
  describeTransport(`memory, latency ${latency}`, () => ({
    transport: createMemoryNetwork(realClock, latency),
    address: 'there:0',
    bulk: 2 * 1_048_576,
  }));
