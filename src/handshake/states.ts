/** The state machines' common part: where one is, and which ways lead on from there. */
import { MisuseError } from '../wire/fault.ts';

/** A state and the table of its exits. A step that the table does not have is a bug of the caller, and throws. */
export class States<S extends string> {
  #now: S;
  readonly #exits: Readonly<Record<S, readonly S[]>>;

  /** @param exits the states that may follow each state; a state without exits is final */
  constructor(start: S, exits: Readonly<Record<S, readonly S[]>>) {
    this.#now = start;
    this.#exits = exits;
  }

  get now(): S {
    return this.#now;
  }

  /** Goes on to `next`. @throws {MisuseError} if the table has no such exit */
  to(next: S): void {
    if (!this.#exits[this.#now].includes(next))
      throw new MisuseError(`no way from state ${this.#now} to ${next}`);
    this.#now = next;
  }

  /** The same, for a call that is legal in one state only. @throws {MisuseError} in any other */
  step(from: S, next: S): void {
    if (this.#now !== from) throw new MisuseError(`legal in state ${from} only, this is ${this.#now}`);
    this.to(next);
  }

  /** Asked of bytes that arrive. @throws {MisuseError} if the state is final: they are not the handshake's to read */
  requireUnfinished(): void {
    if (this.#exits[this.#now].length === 0)
      throw new MisuseError(`the handshake is over (state ${this.#now}): these bytes are not its own`);
  }
}
