/** A gate's open sessions, counted by the release line of their clients. */
import { parseVersion, printMinor } from '../version/version.ts';
import type { Gate } from './gate.ts';

/** By line, such as `4.13`. */
export function sessionsByLine({ sessions }: Pick<Gate, 'sessions'>): Record<string, number> {
  const lines: Record<string, number> = {};
  for (const { client } of sessions.list()) {
    const line = printMinor(parseVersion(client));
    lines[line] = (lines[line] ?? 0) + 1;
  }
  return lines;
}
