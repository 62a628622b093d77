/** Every verb, in the order in which documents list them; and steps, each of which is one verb with its value. */
import { z } from 'zod';
import { arrive } from './arrive.ts';
import { change } from './change.ts';
import { clock } from './clock.ts';
import { connect } from './connect.ts';
import { cut } from './cut.ts';
import { disconnect } from './disconnect.ts';
import { expect } from './expect.ts';
import { heal } from './heal.ts';
import { kill } from './kill.ts';
import { ledger } from './ledger.ts';
import { operator } from './operator.ts';
import { pause } from './pause.ts';
import { restart } from './restart.ts';
import { resume } from './resume.ts';
import { roll } from './roll.ts';
import { run } from './run.ts';
import { start } from './start.ts';
import type { StepHandler } from './step.ts';
import { until } from './until.ts';
import { wait } from './wait.ts';

const VERBS = {
  connect,
  arrive,
  disconnect,
  change,
  roll,
  restart,
  kill,
  start,
  clock,
  pause,
  resume,
  cut,
  heal,
  ledger,
  wait,
  until,
  run,
  operator,
  expect,
};

/** What a step begins with. */
export type Verb = keyof typeof VERBS;

type ValueOf<V extends Verb> = (typeof VERBS)[V] extends StepHandler<infer Value> ? Value : never;

/** One verb with its value, such as `{ kill: 'rs1' }`. */
export type Step = { [V in Verb]: { readonly [Key in V]: ValueOf<V> } }[Verb];

/** Every verb with its handler. */
export const HANDLERS = Object.entries(VERBS) as ReadonlyArray<readonly [Verb, StepHandler<unknown>]>;

/** A map with exactly one key, the verb. */
export const stepSchema = z
  .strictObject(
    Object.fromEntries(
      HANDLERS.map(([verb, { schema, about }]) => [verb, schema.optional().describe(about)]),
    ),
  )
  .refine((step) => Object.values(step).filter((value) => value !== undefined).length === 1, {
    message: 'a step has exactly one key',
    when: ({ issues }) => issues.length === 0,
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform((step) => step as Step);

/** The verb of a step. */
export function verbOf(step: Step): Verb {
  return Object.keys(step)[0] as Verb;
}

/** A step's handler and value: each function of a handler takes the value first. */
export function partsOf(step: Step): readonly [handler: StepHandler<unknown>, value: unknown] {
  const verb = verbOf(step);
  return [VERBS[verb] as StepHandler<unknown>, (step as Readonly<Record<string, unknown>>)[verb]];
}
