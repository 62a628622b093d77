/**
 * Finds a hook's process again after its gate is gone: by host, process id and the time it was started. It leads a
 * group, whose others count too: what it began may go on without it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { CancelSignal } from '../ports/cancellation.ts';
import { type Clock, pause } from '../ports/clock.ts';

/** How often it is looked at, ms. */
const POLL = 200;

/** A process on a host, so that one which outlives its gate can be found. */
export interface ProcessInfo {
  readonly host: string;
  readonly pid: number;
  /** The machine's boot and the time of the start; empty where neither can be told. */
  readonly started: string;
}

/** What is put on record of a process that runs on this host. */
export function describeProcess(pid: number): ProcessInfo {
  return { host: hostname(), pid, started: startOf(pid) ?? '' };
}

/** Whether it still runs. `elsewhere`: it ran on another host, where it can't be seen from here. */
export function lookForProcess({ host, pid, started }: ProcessInfo): 'running' | 'gone' | 'elsewhere' {
  if (host !== hostname()) return 'elsewhere';
  const there = startOf(pid);
  if (there !== null) return there === started ? 'running' : 'gone';
  // A process id is not given anew for as long as a group of that name has members.
  return started.startsWith(`${bootOf()}:`) && hasMembers(pid) ? 'running' : 'gone';
}

/** Waits for its end: resolves true when it is gone, false when `signal` aborts first. */
export async function waitForProcess(
  info: ProcessInfo,
  clock: Clock,
  signal: CancelSignal,
): Promise<boolean> {
  while (lookForProcess(info) === 'running') {
    if (signal.aborted) return false;
    await pause(clock, POLL, signal);
  }
  return true;
}

/** Ends it with the group that it leads, if it is still the process meant. */
export function killProcess(info: ProcessInfo): void {
  if (lookForProcess(info) !== 'running') return;
  try {
    process.kill(-info.pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}

/** Boot and start time: a process id alone may be somebody else's by now. Null: it is gone. */
function startOf(pid: number): string | null {
  const stat = statOf(pid);
  return stat && `${bootOf()}:${stat.started}`;
}

function hasMembers(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // A zombie that nobody fetches is a member as well.
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && statOf(Number(name))?.group === group);
}

/** Fields 5 and 22 of /proc/PID/stat; null for what is gone, or a zombie. */
function statOf(pid: number): { readonly group: number; readonly started: string | undefined } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { group: Number(fields[2]), started: fields[19] };
  } catch {
    return null;
  }
}

/** Of this boot of the machine; empty where there is no /proc. */
function bootOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
