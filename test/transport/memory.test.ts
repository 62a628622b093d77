import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { realClock } from '../../src/transport/real.ts';
import { describeTransport } from './contract.ts';

for (const latency of [0, 2])
  describeTransport(`memory, latency ${latency}`, () => ({
    transport: createMemoryNetwork(realClock, latency),
    address: 'there:0',
    bulk: 2 * 1_048_576,
  }));
