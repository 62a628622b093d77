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
/** For which there have to be some before a lack counts as over, ms. */
const SETTLED_MS = 3_000;
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

/** What became of a lack of descriptors. */
export interface DescriptorNews {
  readonly isLeft: boolean;
  /** How often there was none so far, this time included. */
  readonly times: number;
  /** For how long there was none this time, as far as it is over. */
  readonly seconds: number;
}

/**
 * Looks every second whether a descriptor is left, and tells of each change. Nothing else does: without one, the
 * connections of clients are accepted and cut off below Node, which hears nothing of them. A lack is over once there
 * were some at several looks in a row, so one that comes and goes is not told of every second.
 * @param isLeft whether there is one now
 */
export function watchDescriptors(
  clock: Clock,
  onChange: (news: DescriptorNews) => void,
  isLeft: () => boolean = isDescriptorLeft,
): Timer {
  const lack = { isOn: false, since: 0, lastSeen: 0, times: 0 };
  const look = () => {
    const now = clock.monotonic();
    if (!isLeft()) {
      lack.lastSeen = now;
      if (!lack.isOn) {
        Object.assign(lack, { isOn: true, since: now, times: lack.times + 1 });
        onChange({ isLeft: false, times: lack.times, seconds: 0 });
      }
    } else if (lack.isOn && now - lack.lastSeen >= SETTLED_MS) {
      lack.isOn = false;
      const seconds = Math.round((lack.lastSeen - lack.since + LOOK_MS) / 1_000);
      onChange({ isLeft: true, times: lack.times, seconds });
    }
    timer = clock.after(LOOK_MS, look);
  };
  let timer = clock.after(LOOK_MS, look);
  return { cancel: () => timer.cancel() };
}
