/** What one plan has made happen, of all that can happen to a fleet. */
import { parseVersion, printMinor } from '../../version/version.ts';
import type { GroundTruth } from '../ground-truth.ts';
import type { Report } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { type Step, verbOf } from '../steps/registry.ts';

/** Counts of one plan, for `Coverage` to add up. */
export interface PlanCoverage {
  readonly steps: number;
  readonly skipped: number;
  /** Of each step that began while an upgrade was under way, its kind. */
  readonly interleaved: readonly string[];
  /** Pairs of client and server lines that met at a gate, as `pairOf` spells them. */
  readonly pairs: readonly string[];
  readonly decisions: number;
  readonly upgrades: number;
  /** Virtual time, ms. */
  readonly time: number;
}

/** @param report null: the plan could not be played to its end. */
export function reachedIn(scenario: Scenario, truth: GroundTruth, report: Report | null): PlanCoverage {
  return {
    steps: scenario.steps.length,
    skipped: report?.timeline.filter(({ skipped }) => skipped).length ?? 0,
    interleaved: report === null ? [] : interleavedIn(scenario, truth, report),
    ...metIn(truth),
    upgrades: truth.runs.filter(({ how }) => how === 'completed').length,
    time: report === null ? 0 : report.end - report.start,
  };
}

function metIn(truth: GroundTruth): Pick<PlanCoverage, 'pairs' | 'decisions'> {
  const pairs = new Set<string>();
  let decisions = 0;
  for (const { record, at } of truth.records) {
    if (record.event !== 'handshake' || record.client === null) continue;
    decisions++;
    const client = printMinor(parseVersion(record.client));
    for (const server of truth.at(at).servers)
      if (server.state !== 'down') pairs.add(pairOf(client, printMinor(server.version)));
  }
  return { pairs: [...pairs], decisions };
}

function interleavedIn(scenario: Scenario, truth: GroundTruth, { timeline, start }: Report): string[] {
  return timeline.flatMap(({ at, step, skipped }) => {
    if (step === undefined || skipped || !truth.at(start + at).record?.claim) return [];
    return [verbOf(scenario.steps[step] as Step)];
  });
}

/** A client of one release line at a server of another. */
export const pairOf = (client: string, server: string) => `${client} at ${server}`;
