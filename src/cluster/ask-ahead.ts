/** Asks a server that is not one of the cluster yet, so that it is known before anybody is judged by it. */

import type { CancelSignal } from '../ports/cancellation.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import type { Connection } from '../ports/transport.ts';
import type { Transports } from '../transport/address.ts';
import { DescriptorsExhausted, dialServer } from './dial.ts';
import type { Finding } from './finding.ts';
import type { ServerEntry } from './server-state.ts';

/**
 * What the server says, or why it says nothing.
 * @param ms how long it may take
 * @throws {DescriptorsExhausted} if this gate could not ask
 */
export async function askAhead(
  { id, address, backEnd }: ServerEntry,
  { transports, clock }: { readonly transports: Transports; readonly clock: Clock },
  ms: number,
  signal: CancelSignal,
): Promise<Finding> {
  const askedAt = clock.monotonic();
  const limit = deadline(clock, ms, signal);
  let connection: Connection | null = null;
  try {
    connection = await dialServer(transports, clock, address, { signal: limit.signal });
    const link = await backEnd.identify(connection, 'probe', false, limit.signal);
    link.close();
    return { server: id, askedAt, identity: link.identity, error: null };
  } catch (error) {
    connection?.destroy();
    if (error instanceof DescriptorsExhausted) throw error;
    return { server: id, askedAt, identity: null, error: (error as Error).message };
  } finally {
    limit.clear();
  }
}
