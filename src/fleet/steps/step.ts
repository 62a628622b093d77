/**
 * A verb of scenario files: everything that is to be known of it, in one object. `registry.ts` lists them all; adding a
 * verb is adding a file here and a line there.
 */
import type fc from 'fast-check';
import type { z } from 'zod';
import type { ClientPool } from '../client-pool.ts';
import type { FleetDriver } from '../driver.ts';
import type { Check, RunFacts } from '../expectations.ts';
import type { FleetSettings } from '../fleet-schema.ts';
import type { FleetNames } from '../names.ts';
import type { NodeControl } from '../node-control.ts';

/** What a step works on. */
export interface StepContext {
  readonly fleet: FleetDriver;
  readonly clients: ClientPool;
  readonly nodes: NodeControl;
  /** Where programs run. */
  readonly folder: string;
  /** Where the step stands in its file, such as `steps[3].roll`. */
  readonly field: string;
  /** What is so now. */
  facts(): Promise<RunFacts>;
  /** Reports what was expected and whether it holds. */
  check(...checks: readonly Check[]): void;
  /** Adds a line to the timeline. */
  say(what: string): void;
}

/** What the value of a step may refer to. */
export interface ScenarioNames extends FleetNames {
  /** Versions that some client is on at some time. */
  readonly clientVersions: ReadonlySet<string>;
}

/** Something wrong with a scenario that its schema can't tell. */
export interface ScenarioProblem {
  /** From the step's value on. */
  readonly path: ReadonlyArray<string | number>;
  readonly message: string;
}

/** What steps have done to a fleet and not undone; verbs change it in place. */
export interface Damage {
  readonly paused: Set<string>;
  readonly dead: Set<string>;
  /** Links that are cut, by their ends joined with a blank. */
  readonly cuts: Map<string, readonly [string, string]>;
}

/** fast-check, handed in: it is loaded by `explore` alone. */
export type FastCheck = typeof fc;

/** What random values of a step are made of. */
export interface PlanChoices extends FleetNames {
  /** Versions that clients and servers are moved between, ascending. */
  readonly versions: readonly string[];
  /** Waits that matter to this fleet, ms, ascending. */
  readonly waits: readonly number[];
}

/** How random plans draw a verb. */
export interface Drawn<V> {
  /** How often, relative to other verbs. */
  readonly weight: number;
  readonly value: fc.Arbitrary<V>;
}

/** A verb whose value in a scenario is a `V`. */
export interface StepHandler<V> {
  /** What it does, in a few words, for the schema and the documents. */
  readonly about: string;
  readonly schema: z.ZodType<V>;
  /** What will be done, in words. @param versions of the client groups at that time, where known */
  describe(value: V, versions: ReadonlyMap<string, string>): string;
  /** Does it. @throws if it can't be done, which fails the scenario. */
  perform(value: V, context: StepContext): Promise<void> | void;
  /** What is wrong with a value that its schema takes. */
  problems?(value: V, names: ScenarioNames): ScenarioProblem[];
  /** Why it would do nothing now, in words; null: it does something. */
  reasonToSkip?(value: V, nodes: NodeControl): string | null;
  /** ms that it takes at most; absent: `WORK`. */
  longest?(value: V, fleet: FleetSettings): number;
  /** The client group that it calls. */
  group?(value: V): string;
  /** The version that it moves servers (`group` is null) or a client group to. */
  moves?(value: V): { readonly group: string | null; readonly to: string };
  /** What kind of fleet it needs; null: either does. */
  needs?(value: V, fleet: FleetSettings): 'real' | 'virtual' | null;
  /** Notes what it breaks, and what it mends. */
  leaves?(value: V, damage: Damage): void;
  /** The value as a file has it; absent: as it is. */
  spell?(value: V): unknown;
  /** Random values, for `explore`; null: there is nothing to choose from. Absent: plans do not use it. */
  draw?(fc: FastCheck, choices: PlanChoices): Drawn<V> | null;
}

/** ms that a step takes at most beside what it states. */
export const WORK = 5_000;

/** Names that a message lists at most. */
const SHOWN = 10;

/** Problems of a name that must be one of `names`. @param what such as `client group` */
export function unknownName(
  name: string,
  what: string,
  names: readonly string[],
  path: ScenarioProblem['path'] = [],
): ScenarioProblem[] {
  if (names.includes(name)) return [];
  return [{ path, message: `there is no ${what} ${JSON.stringify(name)}: ${listed(names)}` }];
}

/** `there are a, b, c`: what can be named, up to ten of them. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'there is none';
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** A duration as a file spells it: `500ms`, `2s`, `5m`. */
export function spellDuration(ms: number): string {
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
