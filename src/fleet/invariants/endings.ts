/** Checks that everything comes to an end: every wait, and everything that a gate holds. */
import type { GroundTruth } from '../ground-truth.ts';
import type { Breach } from './breach.ts';
import type { Evidence } from './evidence.ts';

/** How long a decision may take besides waiting, ms. */
const WORK = 2_000;

/** Clients that waited longer than the deadlines allow. */
export function waitWithoutEnd(evidence: Evidence): Breach[] {
  const { truth, decided, age, scenario } = evidence;
  const { timeouts, servers } = scenario;
  // At its end it looks once more, which takes no longer than knowledge gets old.
  const wait = Math.max(timeouts.hold, scenario.migration.hold.deadline) + age;
  const limit = timeouts.handshake + wait + WORK + servers.count * timeouts.dial;
  const late = decided.flatMap(({ record, at, gate }) => {
    const { totalMs: total, heldMs: held } = record.phases;
    const stoodStill = pausedFor(truth, gate, at - total, at);
    return total - stoodStill > limit || held - stoodStill > wait
      ? [{ at, what: `client ${record.client} was answered by ${gate} after ${total / 1_000} s` }]
      : [];
  });
  const stop = truth.stoppedAt ?? 0;
  const open = truth.attempts.flatMap(({ client, from, end }) => {
    if (end !== null && end < stop) return [];
    // A gate that goes sends its clients to the next one, where they begin anew.
    const begun = Math.max(from, lastEnd(truth));
    const gates = truth.at(stop).gates;
    const waited = stop - begun - gates.reduce((sum, { id }) => sum + pausedFor(truth, id, begun, stop), 0);
    return waited > limit
      ? [{ at: stop, what: `${client} was not answered within ${waited / 1_000} s` }]
      : [];
  });
  return [...late, ...open];
}

/** The last time at which some gate was down. */
function lastEnd({ states }: GroundTruth): number {
  const last = states.findLast(({ gates }) => gates.some(({ since }) => since === null));
  return last === undefined ? Number.NEGATIVE_INFINITY : last.at;
}

/** ms between two times during which a gate stood still. */
function pausedFor(truth: GroundTruth, gate: string, from: number, to: number): number {
  const states = truth.between(from, to);
  return states.reduce((sum, { at, gates }, place) => {
    const paused = gates.some(({ id, paused: still }) => id === gate && still);
    const end = Math.min(to, states[place + 1]?.at ?? to);
    return paused ? sum + end - Math.max(from, at) : sum;
  }, 0);
}

/** What gates still hold once they have stopped. */
export function somethingLeft({ truth }: Evidence): Breach[] {
  const { left, stoppedAt } = truth;
  if (left === null) return [{ at: stoppedAt ?? 0, what: 'the fleet did not stop' }];
  return Object.entries(left).flatMap(([what, count]) =>
    count === 0 ? [] : [{ at: stoppedAt ?? 0, what: `${count} ${what} are left` }],
  );
}

/** Internal errors that gates recorded. */
export function gateFailed({ truth }: Evidence): Breach[] {
  return truth.records.flatMap(({ gate, at, record }) =>
    record.event === 'gate' && record.what === 'fault' ? [{ at, what: `${gate}: ${record.error}` }] : [],
  );
}
