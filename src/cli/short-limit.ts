/** A warning at the start: the process may open fewer descriptors than its limits allow clients. */
import type { Config } from '../config/schema.ts';
import { descriptorLimit, descriptorsFor } from '../runtime/descriptors.ts';

/** Out of descriptors, a gate neither accepts clients nor reaches servers. */
export function sayIfShort(limits: Config['limits'], say: (line: string) => void): void {
  const needed = descriptorsFor(limits);
  const allowed = descriptorLimit();
  if (allowed !== null && allowed < needed)
    say(
      `limits: ${limits.handshakes} handshakes and ${limits.sessions} sessions need ${needed} descriptors, and this process may open ${allowed}: raise that (ulimit -n), or lower limits.sessions`,
    );
}
