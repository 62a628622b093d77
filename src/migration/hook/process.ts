/** Finds a hook's process again after its gate is gone: by host, process id and the time it was started. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Clock, pause } from '../../ports/clock.ts';
import type { ProcessInfo } from '../ledger/record.ts';

const POLL_MS = 200;

export function describeProcess(pid: number): ProcessInfo {
  return { host: hostname(), pid, started: startOf(pid) ?? '' };
}

/** `elsewhere`: it ran on another host, where it can't be seen from here. */
export function lookForProcess({ host, pid, started }: ProcessInfo): 'running' | 'gone' | 'elsewhere' {
  if (host !== hostname()) return 'elsewhere';
  return started !== '' && startOf(pid) === started ? 'running' : 'gone';
}

/** Resolves true when it is gone, false when `signal` aborts first. */
export async function waitForProcess(info: ProcessInfo, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (lookForProcess(info) === 'running') {
    if (signal.aborted) return false;
    await pause(clock, POLL_MS, signal);
  }
  return true;
}

/** With the group that it leads, if it is still the process meant. */
export function killProcess(info: ProcessInfo): void {
  if (lookForProcess(info) !== 'running') return;
  try {
    process.kill(-info.pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}

/** Boot and start time (field 22 of /proc/PID/stat): a process id alone may be somebody else's by now. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}:${fields[19]}`;
  } catch {
    return null;
  }
}
