/**
 * What a reload from one config to another changes, and what it can't change while the gate runs. Pure: it compares
 * two configs that are valid, key by key, and says each difference once.
 */

/** One difference that a reload makes. */
export interface ReloadChange {
  /** As in the config: `servers.rs2.address`, `limits.sessions`. */
  readonly key: string;
  /** For people: `limits.sessions: 100 to 200`. */
  readonly sentence: string;
}

/** One difference that takes a restart, or a reason of another kind for which nothing was changed. */
export interface ReloadRefusal {
  /** Empty where no single key is to blame. */
  readonly key: string;
  /** For people, without the key. */
  readonly why: string;
}
