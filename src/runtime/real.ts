/** What a process really has: sockets, time and randomness. Simulations pass in their own instead. */
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Transports } from '../transport/address.ts';
import { createTcpTransport } from '../transport/tcp.ts';
import { createWsTransport } from '../transport/ws.ts';
import { realClock } from './clock.ts';
import { realRandom } from './random.ts';

/** Everything that the project's code otherwise gets passed in, as programs use it. */
export interface Runtime {
  readonly transports: Transports;
  readonly clock: Clock;
  readonly random: Random;
}

export const realRuntime: Runtime = {
  transports: { tcp: createTcpTransport(), ws: createWsTransport() },
  clock: realClock,
  random: realRandom,
};
