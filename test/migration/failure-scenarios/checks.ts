/** What has to hold after every scenario, whatever it was about. */
import { expect } from 'vitest';
import type { HistoryEntry } from '../../../src/migration/ledger/record.ts';
import { levelOf } from '../../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../../src/version/phoenix.ts';
import { parseVersion } from '../../../src/version/version.ts';
import { levelAt } from '../../support/check-history.ts';
import type { LogLine } from '../../support/log.ts';

/** Nobody was admitted to more than was on record at that moment. */
export function checkAdmitted(history: readonly HistoryEntry[], lines: readonly LogLine[]): void {
  for (const line of lines) {
    if (line.event !== 'handshake' || line.verdict !== 'permit') continue;
    const needs = levelOf(PHOENIX_CATALOGUE, parseVersion(line.client));
    // The log's time is cut to whole milliseconds.
    const recorded = levelAt(history, Date.parse(line.time) + 1);
    if (recorded !== null && needs > recorded)
      throw new Error(
        `${line.client} needs level ${needs}, and was admitted at ${line.time} with ${recorded} on record`,
      );
  }
}

/** One at a time: every `begin` but the last is followed by its `end`, or by nothing of its own any more. */
export function expectNoOverlap(work: readonly string[]): void {
  const ended = new Set<string>();
  let running: string | null = null;
  for (const line of work) {
    const [what, ...about] = line.split(' ');
    const run = about.join(' ');
    if (what === 'begin') running = run;
    // One that was begun before another one, and ends after that began, ran at the same time.
    else if (run !== running) expect.fail(`${line} while ${running} was running:\n${work.join('\n')}`);
    else if (ended.has(run)) expect.fail(`${line} came twice:\n${work.join('\n')}`);
    else ended.add(run);
  }
}
