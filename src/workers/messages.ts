/**
 * What a supervisor and its workers say to each other, over the channel that Node gives a forked process. Both are of
 * one version, and neither takes anything from a client into it unread.
 */
import type { Finding } from '../cluster/finding.ts';
import type { Config } from '../config/schema.ts';
import type { GateEvent } from '../events/events.ts';

/** The limits that all workers share. */
export const LIMITS = ['handshakes', 'sessions', 'waiting'] as const;
export type Limit = (typeof LIMITS)[number];

/** All that a worker needs to become a gate. */
export interface Start {
  readonly kind: 'start';
  /** From 1 on; a worker's replacement has its number. */
  readonly worker: number;
  /** The config file's name, for messages. */
  readonly file: string;
  /** The gate's, as the supervisor read it: a worker needs neither the file nor what checks it. */
  readonly config: Config;
  /** Where relative paths of the config start. */
  readonly folder: string;
  /** The addresses that other workers have bound, in the order of the config; null: this is the first. */
  readonly addresses: readonly string[] | null;
  readonly room: Readonly<Record<Limit, number>>;
}

export type ToWorker =
  | Start
  /** Room for one limit: the answer to `more`, 0 where there is none. */
  | { readonly kind: 'room'; readonly limit: Limit; readonly count: number }
  /** Another worker is out of room: give back what can be spared. */
  | { readonly kind: 'spare'; readonly limit: Limit }
  /** Probe the servers from now on, for everybody. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'found'; readonly finding: Finding }
  /** Drain and end; said again: at once. */
  | { readonly kind: 'stop' }
  /**
   * Do all of a reload that can fail, and say `prepared`.
   * @prop addresses where all listen already, in the order of the config; null: a new address
   */
  | { readonly kind: 'prepare'; readonly config: Config; readonly addresses: readonly (string | null)[] }
  /** Do the rest of it. */
  | {
      readonly kind: 'commit';
      /** Each limit, for all together. */
      readonly limits: Readonly<Record<Limit, number>>;
      /** How much more room this worker has of each; negative: less. */
      readonly room: Readonly<Record<Limit, number>>;
    }
  /** Leave all as it was: another worker could not. */
  | { readonly kind: 'abandon' }
  /** Something happened to the gate as a whole. */
  | { readonly kind: 'record'; readonly event: GateEvent }
  | { readonly kind: 'reopen-log' };

export type ToSupervisor =
  /** The answer to `prepare`; null: it can be done. */
  | { readonly kind: 'prepared'; readonly error: string | null }
  | { readonly kind: 'listening'; readonly addresses: readonly string[] }
  | { readonly kind: 'more'; readonly limit: Limit }
  /** The answer to `spare`. */
  | { readonly kind: 'back'; readonly limit: Limit; readonly count: number }
  | { readonly kind: 'found'; readonly finding: Finding };
