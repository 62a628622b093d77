/** One client's attempt to connect. It dials addresses in turn and skips those that are unreachable or hang up. */
import { ConnectError, connectTo, type DriverDependencies } from '../client/connect.ts';
import { RefusedError, type Session } from '../client/session.ts';
import type { ConnectResult } from './driver.ts';

export interface ClientIdentity {
  readonly name: string;
  readonly version: string;
  readonly upgrade: 'may' | 'must-not';
  readonly signal?: AbortSignal;
}

const ignore = () => {};

/** Whoever hears that the other end is done is done too: a killed peer says no more than that. */
function endToo(this: Session): void {
  this.end();
}

/** @param addresses with scheme, in the order in which they are tried. */
export async function connectClient(
  addresses: Iterable<string>,
  { name, version, upgrade, signal }: ClientIdentity,
  dependencies: DriverDependencies,
): Promise<ConnectResult> {
  let error: Error | null = null;
  for (const address of addresses) {
    try {
      const hello = { version, driver: 'fleet', upgrade, properties: { name } };
      // As long as it takes: what always must hold is said of clients that stay.
      const timeout = Number.POSITIVE_INFINITY;
      const session = await connectTo({ address, hello }, dependencies, {
        timeout,
        ...(signal && { signal }),
      });
      session.on('error', ignore).on('end', endToo).resume();
      return { kind: 'admitted', session };
    } catch (failure) {
      if (failure instanceof RefusedError) return { kind: 'refused', error: failure };
      error = failure as Error;
      if (!(failure instanceof ConnectError)) break;
    }
  }
  return { kind: 'lost', error: error ?? new Error('there is no gate') };
}
