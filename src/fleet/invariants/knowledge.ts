/** What a gate can have known at a moment: the truth as it was within the permitted age of knowledge. */
import type { ServerFacts } from '../../policy/types.ts';
import type { Version } from '../../version/version.ts';
import { type GroundTruth, isCut, type TrueState } from '../ground-truth.ts';
import type { Evidence } from './evidence.ts';

/** Versions that the gate may have taken a server to be on; null: it may never have heard of one. */
export interface Known {
  readonly id: string;
  readonly versions: ReadonlyArray<Version | null>;
}

export interface Knowledge {
  readonly servers: readonly Known[];
  readonly states: readonly TrueState[];
}

/**
 * The versions that each server has had since the last answer that certainly reached the gate. A server that is down,
 * paused or cut off counts with its last known version.
 */
export function knownTo(gate: string, time: number, { truth, age }: Evidence): Knowledge {
  const { servers } = truth.at(time);
  const begun = sinceOf(truth, gate, time);
  const starts = servers.map(({ id }) => lastAnswer(truth, gate, id, time, age));
  return {
    servers: servers.map(({ id }, at) => {
      const from = Math.max(starts[at] as number, begun);
      const versions = distinct(
        truth.between(from, time).map((state) => state.servers[at]?.version as Version),
      );
      return { id, versions: (starts[at] as number) < begun ? [...versions, null] : versions };
    }),
    states: truth.between(Math.max(begun, Math.min(time - age, Math.max(...starts))), time),
  };
}

/** When the process of `gate` that lived at `time` began. */
export function sinceOf(truth: GroundTruth, gate: string, time: number): number {
  const state = truth.states.findLast(
    ({ at, gates }) => at <= time && gates.some(({ id, since }) => id === gate && since !== null),
  );
  return state?.gates.find(({ id }) => id === gate)?.since ?? Number.NEGATIVE_INFINITY;
}

/**
 * The time since which an answer must have come at the latest. A server that answers now is asked at the usual interval,
 * even by a gate that was paused. For any other server, the last period counts that was long enough for an answer.
 */
function lastAnswer(truth: GroundTruth, gate: string, server: string, time: number, age: number): number {
  const { states } = truth;
  const last = states.findLastIndex((state) => state.at <= time);
  let end = time;
  let now = true;
  for (let at = last; at >= 0; at--) {
    const state = states[at] as TrueState;
    const runs = isRunning(state, gate);
    if (now && !runs && at < last) return time - age;
    if (runs && answers(state, gate, server)) {
      if (end - state.at >= age) return end - age;
    } else {
      end = state.at;
      now = false;
    }
  }
  return Number.NEGATIVE_INFINITY;
}

/** Whether a gate lives in this state and does not stand still. */
export function isRunning({ gates }: TrueState, gate: string): boolean {
  return gates.some(({ id, since, paused }) => id === gate && since !== null && !paused);
}

/** Whether a gate was told to stop in this state, and drains. */
export function isDraining({ gates }: TrueState, gate: string): boolean {
  return gates.some(({ id, draining }) => id === gate && draining);
}

/** The servers as a gate would find them if it asked. */
export function serversOf(state: TrueState, gate: string): ServerFacts[] {
  return state.servers.map(({ id, version, state: own }) => ({
    id,
    version,
    state: answers(state, gate, id) ? own : 'down',
  }));
}

/** Whether a server that is asked by a gate answers. */
export function answers(state: TrueState, gate: string, server: string): boolean {
  const found = state.servers.find(({ id }) => id === server);
  return found !== undefined && found.state !== 'down' && !found.paused && !isCut(state, gate, server);
}

/** Every way in which the gate may have seen the servers. @param stateOf one server's, as the gate finds it. */
export function viewsOf(
  { servers }: Knowledge,
  stateOf: (id: string) => ServerFacts['state'],
): ServerFacts[][] {
  return servers.reduce<ServerFacts[][]>(
    (before, { id, versions }) =>
      before.flatMap((row) => versions.map((version) => [...row, { id, version, state: stateOf(id) }])),
    [[]],
  );
}

function distinct(versions: readonly Version[]): Version[] {
  const seen = new Map(versions.map((version) => [JSON.stringify(version), version]));
  return [...seen.values()];
}
