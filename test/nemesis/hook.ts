/**
 * The upgrade's command as a shell script that leaves evidence: each run writes `begin TOKEN KEY` and `end TOKEN
 * KEY` to `work`, holds a lock for as long as its process lives, and writes `overlap` where another one has it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const NAME = 'upgrade.sh';

export interface Work {
  readonly what: 'begin' | 'end' | 'overlap' | 'late';
  readonly token: number;
  readonly key: string;
}

/** @param ms of work. @param failures runs that fail first. */
export function writeHook(folder: string, ms: number, failures: number): string {
  const file = path.join(folder, NAME);
  const steps = Math.max(1, Math.round(ms / 50));
  writeFileSync(
    file,
    `#!/bin/bash
# It goes on where nobody reads its output any more.
trap '' PIPE
exec 9>> lock
flock -n 9 || echo "overlap $SKEWGATE_TOKEN $SKEWGATE_KEY" >> work
echo $$ > pid
[ "$(cat level)" -ge "$SKEWGATE_TO_LEVEL" ] && echo "late $SKEWGATE_TOKEN $SKEWGATE_KEY" >> work
echo "begin $SKEWGATE_TOKEN $SKEWGATE_KEY" >> work
runs=$(grep -c ^begin work)
for step in $(seq ${steps}); do
  [ -e alive ] || exit 9
  echo "progress $((step * 100 / ${steps}))%" 2>/dev/null
  sleep 0.05 9>&-
done
[ "$runs" -le ${failures} ] && { echo "this run was meant to fail" >&2; exit 1; }
echo $SKEWGATE_TO_LEVEL > level.$$ && mv level.$$ level
echo "end $SKEWGATE_TOKEN $SKEWGATE_KEY" >> work
`,
    { mode: 0o755 },
  );
  return file;
}

/** What the runs of the hook left, in order. */
export function readWork(folder: string): Work[] {
  const file = path.join(folder, 'work');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [what, token, key] = line.split(' ') as [Work['what'], string, string];
    return { what, token: Number(token), key };
  });
}

/** Signals the hook that runs, or ran last. */
export function signalHook(folder: string, signal: NodeJS.Signals): void {
  const file = path.join(folder, 'pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (pid <= 0 || !isHook(pid)) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** The number may be another process's by now. */
function isHook(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(NAME);
  } catch {
    return false;
  }
}
