/**
 * Places under one limit: so many handshakes, sessions or held clients at once. A gate of several processes has one
 * limit for all of them, and each process a share of it, its room; who runs out of room asks the others for some.
 */

/** Asks the other processes for room, and resolves once they gave some (see `Slots.grow`) or have none to give. */
export type AskForRoom = () => Promise<void>;

/** The places of one process under one limit. */
export class Slots {
  #limit: number;
  readonly #ask: AskForRoom | null;
  #room: number;
  #used = 0;

  /**
   * @param room of the limit, what this process has to begin with
   * @param ask absent: nobody else has a share of the limit
   */
  constructor(limit: number, room = limit, ask: AskForRoom | null = null) {
    this.#limit = limit;
    this.#room = room;
    this.#ask = ask;
  }

  /** At once, over all processes. */
  get limit(): number {
    return this.#limit;
  }

  /** Places taken in this process. */
  get used(): number {
    return this.#used;
  }

  get isFull(): boolean {
    return this.#used >= this.#room;
  }

  /** Takes a place; false if there is none. */
  acquire(): boolean {
    if (this.isFull) return false;
    this.#used++;
    // Ahead of need: not everybody who comes can wait for the answer.
    if (this.isFull) void this.#ask?.();
    return true;
  }

  /** Gives a place back. */
  release(): void {
    this.#used--;
  }

  /** Where it is full: the wait for the room of others, after which `acquire` may succeed. Null: there are no others. */
  more(): Promise<void> | null {
    return this.#ask === null ? null : this.#ask();
  }

  /**
   * Another limit holds from now on. Who has a place keeps it, also where there are too many then.
   * @param by how much room that gives this process, or takes from it
   */
  resize(limit: number, by = limit - this.#limit): void {
    this.#limit = limit;
    this.#room += by;
  }

  /** Adds room that others gave. */
  grow(by: number): void {
    this.#room += by;
  }

  /** Gives up half of the room that is free, rounded up. @returns how much that was */
  shrink(): number {
    const spare = Math.ceil(Math.max(0, this.#room - this.#used) / 2);
    this.#room -= spare;
    return spare;
  }
}
