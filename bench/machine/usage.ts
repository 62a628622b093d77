/** What processes use, from Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** A process and all that it started. */
export function withChildren(pid: number): number[] {
  const children = tasksOf(pid).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(withChildren)];
}

/** CPU seconds of all threads so far, of the process and what it started. */
export function cpuSeconds(pid: number): number {
  const nanoseconds = withChildren(pid).flatMap((id) =>
    tasksOf(id).map((task) => Number(read(`/proc/${id}/task/${task}/schedstat`).split(' ')[0] || 0)),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** Resident memory in KiB, of the process and what it started. */
export function residentKib(pid: number): number {
  const sizes = withChildren(pid).map((id) =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${id}/status`))?.[1] ?? 0),
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}

/** The most resident memory that the process ever had, in KiB. */
export function peakKib(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Open descriptors. */
export function descriptors(pid: number): number {
  return list(`/proc/${pid}/fd`).length;
}

/** How many descriptors a process may open at most. */
export function descriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1] ?? 1_024);
}

function tasksOf(pid: number): string[] {
  return list(`/proc/${pid}/task`);
}

/** A process that has just ended has nothing. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
