/** Warnings at the start: what this machine does not give to a gate with such a config. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { descriptorLimit, descriptorsFor } from '../runtime/descriptors.ts';

/** The process may open fewer descriptors than its limits allow clients. Out of descriptors, a gate neither accepts clients nor reaches servers. */
export function sayIfShort(limits: Config['limits'], say: (line: string) => void): void {
  const needed = descriptorsFor(limits);
  const allowed = descriptorLimit();
  if (allowed !== null && allowed < needed)
    say(
      `limits: ${limits.handshakes} handshakes and ${limits.sessions} sessions need ${needed} descriptors, and this process may open ${allowed}: raise that (ulimit -n), or lower limits.sessions`,
    );
}

/** Linux: whether a listening socket that is closed hands those on who wait in it. */
const MIGRATES = '/proc/sys/net/ipv4/tcp_migrate_req';

/** A warning at the start: what a gate that is replaced has not accepted when it closes its socket is reset. */
export async function sayIfLost({ reusePort }: Config, say: (line: string) => void): Promise<void> {
  if (!reusePort) return;
  const value = await readFile(MIGRATES, 'utf8').catch(() => '');
  if (value.trim() !== '1')
    say(
      'reusePort: this system resets a connection that comes in the moment in which a gate that is replaced closes its socket; on Linux: sysctl -w net.ipv4.tcp_migrate_req=1',
    );
}
