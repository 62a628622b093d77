/** Everything comes to an end: waits, and what a gate holds. */
import type { Chronicle } from '../chronicle.ts';
import type { Breach } from '../invariants.ts';
import type { Evidence } from './evidence.ts';

/** ms for what a decision takes beside waiting. */
const WORK = 2_000;

export function waitWithoutEnd(evidence: Evidence): Breach[] {
  const { chronicle, decided, age, scenario } = evidence;
  const { timeouts, servers } = scenario;
  // At its end it looks once more, which takes no longer than knowledge gets old.
  const wait = Math.max(timeouts.hold, scenario.migration.hold.deadline) + age;
  const limit = timeouts.handshake + wait + WORK + servers.count * timeouts.dial;
  const late = decided.flatMap(({ record, at, gate }) => {
    const { total, held } = record.phases;
    const stoodStill = pausedFor(chronicle, gate, at - total, at);
    return total - stoodStill > limit || held - stoodStill > wait
      ? [{ at, what: `client ${record.client} was answered by ${gate} after ${total / 1_000} s` }]
      : [];
  });
  const stop = chronicle.stoppedAt ?? 0;
  const open = chronicle.visits.flatMap(({ client, from, end }) => {
    if (end !== null && end < stop) return [];
    // A gate that goes sends its clients to the next one, where they begin anew.
    const begun = Math.max(from, lastEnd(chronicle));
    const gates = chronicle.at(stop).gates;
    const waited =
      stop - begun - gates.reduce((sum, { id }) => sum + pausedFor(chronicle, id, begun, stop), 0);
    return waited > limit
      ? [{ at: stop, what: `${client} was not answered within ${waited / 1_000} s` }]
      : [];
  });
  return [...late, ...open];
}

/** When a gate was gone last. */
function lastEnd({ states }: Chronicle): number {
  const last = states.findLast(({ gates }) => gates.some(({ since }) => since === null));
  return last === undefined ? Number.NEGATIVE_INFINITY : last.at;
}

/** ms between two times during which a gate stood still. */
function pausedFor(chronicle: Chronicle, gate: string, from: number, to: number): number {
  const states = chronicle.between(from, to);
  return states.reduce((sum, { at, gates }, place) => {
    const paused = gates.some(({ id, paused: still }) => id === gate && still);
    const end = Math.min(to, states[place + 1]?.at ?? to);
    return paused ? sum + end - Math.max(from, at) : sum;
  }, 0);
}

export function somethingLeft({ chronicle }: Evidence): Breach[] {
  const { left, stoppedAt } = chronicle;
  if (left === null) return [{ at: stoppedAt ?? 0, what: 'the fleet did not stop' }];
  return Object.entries(left).flatMap(([what, count]) =>
    count === 0 ? [] : [{ at: stoppedAt ?? 0, what: `${count} ${what} are left` }],
  );
}

/** A gate writes down when its own program failed over a client. */
export function gateFailed({ chronicle }: Evidence): Breach[] {
  return chronicle.records.flatMap(({ gate, at, record }) =>
    record.event === 'gate' && record.what === 'fault' ? [{ at, what: `${gate}: ${record.error}` }] : [],
  );
}
