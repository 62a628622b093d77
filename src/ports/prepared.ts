/** A change whose every risk is behind it: it is made in one turn, or not at all. One of the two is called, once. */
export interface Prepared {
  /** Makes it. Never throws. */
  commit(): void;
  /** Leaves everything as it was. Never throws. */
  abandon(): void;
}
