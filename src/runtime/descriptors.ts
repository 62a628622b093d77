/** How many files and sockets this process may have open. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Clock, Timer } from '../ports/clock.ts';

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

/** ms between two looks. */
const LOOK_MS = 1_000;
/** Of this process, or of the whole machine. */
const EXHAUSTED: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE']);

/** Whether one more file could be opened now. It is tried, which costs the same however many are open. */
export function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    return !EXHAUSTED.has((error as NodeJS.ErrnoException).code);
  }
}

/**
 * Looks every second whether a descriptor is left, and tells of each change. Nothing else does: without one, the
 * connections of clients are accepted and cut off below Node, which hears nothing of them.
 */
export function watchDescriptors(clock: Clock, onChange: (isLeft: boolean) => void): Timer {
  let wasLeft = true;
  let timer: Timer;
  const look = () => {
    const isLeft = isDescriptorLeft();
    if (isLeft !== wasLeft) onChange(isLeft);
    wasLeft = isLeft;
    timer = clock.after(LOOK_MS, look);
  };
  timer = clock.after(LOOK_MS, look);
  return { cancel: () => timer.cancel() };
}
