import { MisuseError } from '../wire/fault.ts';

/** A state and the table of its exits: anything else is a bug of the caller, and says so. */
export class States<S extends string> {
  #now: S;
  readonly #exits: Readonly<Record<S, readonly S[]>>;

  constructor(start: S, exits: Readonly<Record<S, readonly S[]>>) {
    this.#now = start;
    this.#exits = exits;
  }

  get now(): S {
    return this.#now;
  }

  /** @throws {MisuseError} if the table has no such exit. */
  to(next: S): void {
    if (!this.#exits[this.#now].includes(next))
      throw new MisuseError(`no way from state ${this.#now} to ${next}`);
    this.#now = next;
  }

  /** `to`, for a call that is legal in one state only. @throws {MisuseError} in any other. */
  step(from: S, next: S): void {
    if (this.#now !== from) throw new MisuseError(`legal in state ${from} only, this is ${this.#now}`);
    this.to(next);
  }

  /** @throws {MisuseError} if the handshake is over: what comes now is not for it to read. */
  requireUnfinished(): void {
    if (this.#exits[this.#now].length === 0)
      throw new MisuseError(`the handshake is over (state ${this.#now}): these bytes are not its own`);
  }
}
