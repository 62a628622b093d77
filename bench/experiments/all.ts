/** Every experiment, in the order of the page of results. */
import type { Experiment } from '../experiment.ts';
import { BULK_DOWN, BULK_UP } from './bulk.ts';
import { PING_1, PING_64 } from './ping.ts';
import { SESSIONS_64, SESSIONS_512 } from './sessions.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  BULK_UP,
  BULK_DOWN,
  SESSIONS_64,
  SESSIONS_512,
  PING_64,
  PING_1,
];
