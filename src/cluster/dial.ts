/** Dials a server. That the gate itself is out of file descriptors is not held against the server. */
import type { CancelSignal } from '../ports/cancellation.ts';
import { type Clock, pause } from '../ports/clock.ts';
import type { Connection, DialOptions } from '../ports/transport.ts';
import { dial, type Transports } from '../transport/address.ts';

/** Of this process (EMFILE), or of the whole machine (ENFILE). */
const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);
/** ms after which a dial that found no descriptor is tried again. */
const DESCRIPTOR_PAUSE = 100;

/** The gate itself had no file descriptor for a connection: it learned nothing about the server. */
export class DescriptorsExhausted extends Error {
  override readonly name = 'DescriptorsExhausted';
}

/**
 * A connection to a server. Where the gate has no descriptor for it, it waits for one.
 * @throws {DescriptorsExhausted} if there was none until the signal aborted
 * @throws {Error} if the server can't be reached or the signal aborts first
 */
export async function dialServer(
  transports: Transports,
  clock: Clock,
  address: string,
  options: DialOptions & { readonly signal: CancelSignal },
): Promise<Connection> {
  const { signal } = options;
  for (;;) {
    try {
      return await dial(transports, address, options);
    } catch (error) {
      if (!OUT_OF_DESCRIPTORS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await pause(clock, DESCRIPTOR_PAUSE, signal);
      if (signal.aborted)
        throw new DescriptorsExhausted(
          `this gate has no file descriptor left for it (${(error as Error).message})`,
        );
    }
  }
}
