/** What a test hands to the code in place of the outside: clock, randomness and network, either real or virtual. */
import type { Clock } from '../../src/ports/clock.ts';
import type { Random } from '../../src/ports/random.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import type { Transports } from '../../src/transport/address.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { seeded } from './random.ts';

export interface TestEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly transports: Transports;
  /** Lets as much time pass as `promise` needs. */
  finish<T>(promise: Promise<T>): Promise<T>;
}

export interface VirtualEnvironment extends TestEnvironment {
  readonly clock: VirtualClock;
}

export const realEnvironment: TestEnvironment = {
  ...realRuntime,
  finish: (promise) => promise,
};

export function virtualEnvironment({ seed = 1, latency = 1 } = {}): VirtualEnvironment {
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
