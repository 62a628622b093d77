/** Every experiment, in the order of the page of results. */
import type { Experiment } from '../experiment.ts';
import { BULK_DOWN, BULK_UP } from './bulk.ts';
import { EXPLORE, STORM } from './fleets.ts';
import { LOG } from './log.ts';
import { HELD, MEMORY } from './memory.ts';
import { DECIDE, PARTS } from './micro.ts';
import { PING_1, PING_64 } from './ping.ts';
import { SESSIONS_64, SESSIONS_512 } from './sessions.ts';
import { START } from './start.ts';
import { TOOLS } from './tools.ts';
import { WEBSOCKET } from './websocket.ts';
import { WORKERS } from './workers.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  BULK_UP,
  BULK_DOWN,
  SESSIONS_64,
  SESSIONS_512,
  PING_64,
  PING_1,
  ...TOOLS,
  ...WEBSOCKET,
  LOG,
  WORKERS,
  MEMORY,
  HELD,
  START,
  DECIDE,
  PARTS,
  EXPLORE,
  STORM,
];
