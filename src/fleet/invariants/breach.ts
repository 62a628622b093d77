/** What an invariant finds. */

/** One case in which an invariant does not hold. */
export interface Breach {
  /** ms since the epoch. */
  readonly at: number;
  readonly what: string;
}
