/**
 * Where a gate stands between its start and its end, and the only ways on from there.
 *
 *   starting --serve()--> serving
 *      |                     |
 *      +------drain()--------+--> draining --finish()--> stopped
 *
 * Whether a gate that serves admits clients at the moment is up to operators: orders.ts.
 */
import { States } from '../handshake/states.ts';
import { Cancellation, type CancelSignal } from '../ports/cancellation.ts';
import { Changes } from '../ports/changes.ts';

/** `draining`: it is about to end, nobody is admitted any more, sessions may end. */
export type LifecycleState = 'starting' | 'serving' | 'draining' | 'stopped';

const EXITS: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  starting: ['serving', 'draining'],
  serving: ['draining'],
  draining: ['stopped'],
  stopped: [],
};

/** The state of one gate. Its methods are its only exits; each throws {MisuseError} where it is not legal. */
export class Lifecycle {
  /** Told of every change of state. */
  readonly changes = new Changes();
  readonly #states = new States<LifecycleState>('starting', EXITS);
  readonly #closing = new Cancellation();

  get state(): LifecycleState {
    return this.#states.now;
  }

  /** Aborts when the gate begins to drain, for good. */
  get closing(): CancelSignal {
    return this.#closing;
  }

  /** The listeners are open. */
  serve(): void {
    this.#states.step('starting', 'serving');
    this.changes.notify();
  }

  /** The gate is to end. */
  drain(): void {
    this.#to('draining');
    this.#closing.abort();
  }

  /** Nothing is left of it. */
  finish(): void {
    this.#to('stopped');
  }

  #to(next: LifecycleState): void {
    this.#states.to(next);
    this.changes.notify();
  }
}
