/** When each server and gate was in which state, as known to whoever plays the scenario. */

export type NodeState = 'up' | 'leaving' | 'paused' | 'down';

export interface StateSpan {
  readonly id: string;
  /** Of a server; null for a gate. */
  readonly version: string | null;
  readonly state: NodeState;
  /** ms since the epoch, as the fleet's clock has it. */
  readonly from: number;
  /** Null: it still is. */
  readonly to: number | null;
}

/** Keeps the states of all nodes, present and past. */
export class StateTimeline {
  readonly #now: () => number;
  readonly #past: StateSpan[] = [];
  readonly #present = new Map<string, StateSpan>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a server or gate: its first state says it, by having a version or not. */
  set(id: string, state: NodeState, version: string | null = this.#present.get(id)?.version ?? null): void {
    const now = this.#now();
    const before = this.#present.get(id);
    if (before?.state === state && before.version === version) return;
    // A server that nobody uses leaves in no time, and has left all the same.
    if (before !== undefined && (before.from < now || before.state === 'leaving'))
      this.#past.push({ ...before, to: now });
    this.#present.set(id, { id, version, state, from: now, to: null });
  }

  stateOf(id: string): NodeState | undefined {
    return this.#present.get(id)?.state;
  }

  /** As things are, in the order in which they were first set. */
  get present(): readonly StateSpan[] {
    return [...this.#present.values()];
  }

  /** All there was, by id. */
  get spans(): readonly StateSpan[] {
    return this.present.flatMap((now) => [...this.#past.filter(({ id }) => id === now.id), now]);
  }
}
