/** Programs that lead a process group of their own, so that what they started ends with them. */

/** At once, the leader and all others; nothing if they are gone. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
