/** Everything comes to an end: waits, and what a gate holds. */
import type { Chronicle } from '../chronicle.ts';
import type { Breach } from '../invariants.ts';
import type { Evidence } from './evidence.ts';

/** ms for what a decision takes beside waiting. */
const WORK = 2_000;

export function waitWithoutEnd(evidence: Evidence): Breach[] {
  const { chronicle, decided } = evidence;
  const limit = longestWait(evidence);
  const late = decided.flatMap(({ record, at, gate }) => {
    const { total } = record.phases;
    const stoodStill = pausedFor(chronicle, gate, at - total, at);
    return total - stoodStill > limit
      ? [{ at, what: `client ${record.client} was answered by ${gate} after ${total / 1_000} s` }]
      : [];
  });
  const stop = chronicle.stoppedAt ?? 0;
  const open = chronicle.visits.flatMap(({ client, from, end }) => {
    const attempts = evidence.scenario.gates;
    const waited =
      stop -
      from -
      chronicle.at(stop).gates.reduce((sum, { id }) => sum + pausedFor(chronicle, id, from, stop), 0);
    return end === null && waited > attempts * limit
      ? [{ at: stop, what: `${client} was not answered within ${waited / 1_000} s` }]
      : [];
  });
  return [...late, ...open];
}

function longestWait({ scenario, age }: Evidence): number {
  const { timeouts, migration, servers } = scenario;
  const wait = Math.max(timeouts.hold, migration.hold.deadline);
  return timeouts.handshake + wait + age + servers.count * timeouts.dial + WORK;
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
