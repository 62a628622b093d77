/** How many files and sockets this process may have open. */
import { readFileSync } from 'node:fs';

/** Beside clients and sessions: listeners, log, ledger, probes, hooks. */
const OTHERS = 64;

/** What Linux says of this process; null where it does not, or sets no limit. */
export function descriptorLimit(): number | null {
  try {
    return limitIn(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return null;
  }
}

/** The soft limit of open files in the text of `/proc/PID/limits`; null: there is none. */
export function limitIn(text: string): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? null : Number(soft);
}

/** The most that a gate can need: one for each client on its way in, two for each session. */
export function descriptorsFor({ handshakes, sessions }: { handshakes: number; sessions: number }): number {
  return handshakes + 2 * sessions + OTHERS;
}
