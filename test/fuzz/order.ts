/** What the main thread and the one that fuzzes know of each other. */

/** What the thread is told. */
export interface WorkerOrder {
  readonly target: string;
  readonly seed: number;
  /** It ends after the one or the other. */
  readonly ms: number;
  readonly inputs: number;
  /** How many inputs were begun, the length of the current one, and its bytes. */
  readonly current: SharedArrayBuffer;
}

/** Bytes in front of the current input. */
export const CURRENT_HEADER = 8;
