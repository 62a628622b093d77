/** Metrics of handshakes, from their events. This is the one part that every client pays for. */
import type { Counter, Histogram, Registry } from 'prom-client';
import type { HandshakeEvent } from '../events/events.ts';
import type { Policy } from '../policy/types.ts';
import { ClientLines } from './client-lines.ts';
import { counter, histogram } from './registry.ts';

type Child<Metric extends { labels(...values: string[]): unknown }> = ReturnType<Metric['labels']>;

type Tree<Value> = Map<string, Value>;

/** ms as the unit of metrics. */
const seconds = (ms: number) => ms / 1_000;

/** Counts decisions, and how long handshakes took. */
export class HandshakeMetrics {
  readonly #decisions: Counter;
  readonly #identities: Counter;
  readonly #hold: Histogram;
  readonly #phases: Readonly<Record<'hello' | 'dial' | 'total', Child<Histogram>>>;
  readonly #lines = new ClientLines();
  /** By verdict, listener, code and line: prom-client would look a counter up by a text that it makes of all of them. */
  readonly #counters: Tree<Tree<Tree<Tree<Child<Counter>>>>> = new Map();

  constructor(registry: Registry) {
    this.#decisions = counter(registry, 'skewgate_decisions_total');
    this.#identities = counter(registry, 'skewgate_identity_handshakes_total');
    const phases = histogram(registry, 'skewgate_handshake_seconds');
    this.#phases = {
      hello: phases.labels('hello'),
      dial: phases.labels('dial'),
      total: phases.labels('total'),
    };
    for (const phase of Object.keys(this.#phases)) phases.zero({ phase });
    this.#hold = histogram(registry, 'skewgate_hold_seconds');
  }

  /** @param policy that it was decided by */
  note(
    { listener, decision, waitedFor, phases, identity, credential }: HandshakeEvent,
    policy: Policy,
  ): void {
    const line = this.#lines.lineOf(decision.client, policy);
    this.#counterOf(listener, decision.verdict, decision.code, line).inc();
    // What the config calls them, which are few, and never what a client says.
    if (identity !== null && credential !== null)
      this.#identities.labels(identity, credential.kind, decision.verdict).inc();
    const { helloMs, heldMs, dialMs, totalMs } = phases;
    if (helloMs !== null) this.#phases.hello.observe(seconds(helloMs));
    if (dialMs !== null) this.#phases.dial.observe(seconds(dialMs));
    this.#phases.total.observe(seconds(totalMs));
    if (waitedFor !== null) this.#hold.observe(seconds(heldMs));
  }

  #counterOf(listener: string, verdict: string, code: string, line: string): Child<Counter> {
    const lines = branchOf(branchOf(branchOf(this.#counters, verdict), listener), code);
    let child = lines.get(line);
    if (child === undefined) {
      child = this.#decisions.labels(listener, verdict, code, line);
      lines.set(line, child);
    }
    return child;
  }
}

function branchOf<Value>(tree: Tree<Tree<Value>>, key: string): Tree<Value> {
  let branch = tree.get(key);
  if (branch === undefined) {
    branch = new Map();
    tree.set(key, branch);
  }
  return branch;
}
