/** Where a test's fleet lives: on real sockets and time, or on virtual ones. */
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import type { Transports } from '../../src/transport/address.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { seeded } from './random.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly transports: Transports;
  /** Lets as much time pass as `promise` needs. */
  finish<T>(promise: Promise<T>): Promise<T>;
}

export interface VirtualWorld extends World {
  readonly clock: VirtualClock;
}

export const realWorld: World = {
  ...realRuntime,
  finish: (promise) => promise,
};

export function virtualWorld({ seed = 1, latency = 1 } = {}): VirtualWorld {
  // Real time has fractions of a millisecond; no message of the protocol has.
  const clock = new VirtualClock(Date.UTC(2026, 0, 1) + 0.25);
  const network = createMemoryNetwork(clock, latency);
  return {
    clock,
    random: seeded(seed),
    transports: { tcp: network, ws: network },
    finish: (promise) => clock.until(promise),
  };
}
