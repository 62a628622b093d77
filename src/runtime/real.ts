/** What a process really has: sockets, time and randomness. Simulations pass in their own instead. */
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Transports } from '../transport/address.ts';
import { createTcpTransport } from '../transport/tcp.ts';
import { WhenUsed } from '../transport/when-used.ts';
import { realClock } from './clock.ts';
import { realRandom } from './random.ts';

/** Everything that the project's code otherwise gets passed in, as programs use it. */
export interface Runtime {
  readonly transports: Transports;
  readonly clock: Clock;
  readonly random: Random;
}

/** WebSocket; with it come `ws` and Node's HTTP. */
const webSocket = new WhenUsed(async () => (await import('../transport/ws.ts')).createWsTransport());

export const realRuntime: Runtime = {
  transports: { tcp: createTcpTransport(), ws: webSocket },
  clock: realClock,
  random: realRandom,
};

/** Loads what a gate with these addresses needs of the network, so that nothing is left to read once it listens. */
export async function loadTransports(addresses: readonly string[]): Promise<void> {
  if (addresses.some((address) => address.startsWith('ws://'))) await webSocket.load();
}
