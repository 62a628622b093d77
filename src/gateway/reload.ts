/**
 * A reload: the config is read again and applied, whole or not at all. The signal, the command and the admin API all
 * ask here, and what came of it is recorded as what an operator did.
 */
import { ConfigError } from '../config/error.ts';
import { planReload, type ReloadChange, type ReloadPlan, type ReloadRefusal } from '../config/plan-reload.ts';
import type { Config } from '../config/schema.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Prepared } from '../ports/prepared.ts';
import type { Asked, Effect } from './effect.ts';

/** What came of it. Either all of `changes` were made, or none. */
export interface ReloadResult extends Omit<Effect, 'what' | 'details'> {
  readonly what: 'reload';
  /** Whether the gate goes by the file as it is now; of a dry run, whether it would. */
  readonly done: boolean;
  readonly changes: readonly ReloadChange[];
  /** Why not, by key; empty where it is done. */
  readonly refused: readonly ReloadRefusal[];
}

/** Reads the config again and applies it. Never rejects: what is wrong is in the result. One follows the other. */
export type Reload = (asked: Asked) => Promise<ReloadResult>;

export interface ReloadParts {
  /** @throws {ConfigError} if it is none that could be served */
  readonly read: () => Promise<Config>;
  /** What the config is now, and the way to another one. */
  readonly running: { readonly config: Config; prepare(next: Config): Promise<Prepared> };
  readonly events: EventSink;
  /**
   * What the config only says the place of, such as tokens in files: read again each time.
   * @throws {Error} if it can't be
   */
  readonly named?: ((next: Config) => Named) | undefined;
}

/** What was read anew, and which of it is another one though the config says the same. */
export type Named = Prepared & { readonly changes: readonly ReloadChange[] };

const NOTHING: Named = { changes: [], commit() {}, abandon() {} };

/** The reload of one gate. */
export function createReload(parts: ReloadParts): Reload {
  let last: Promise<unknown> = Promise.resolve();
  return (asked) => {
    const result = last.then(() => reload(parts, asked));
    last = result;
    return result;
  };
}

async function reload(parts: ReloadParts, asked: Asked): Promise<ReloadResult> {
  const plan = await attempt(parts, asked.dryRun === true);
  const done = plan.refused.length === 0;
  const sentence = done ? sentenceOf(plan) : reasonsOf(plan);
  if (!asked.dryRun) record(parts.events, asked, done, sentence);
  const { dryRun = false } = asked;
  return { what: 'reload', dryRun, done, waitsFor: null, sessions: 0, sentence, ...plan };
}

async function attempt({ read, running, named }: ReloadParts, dryRun: boolean): Promise<ReloadPlan> {
  try {
    const next = await read();
    const plan = planReload(running.config, next);
    if (plan.refused.length > 0) return plan;
    const also = named?.(next) ?? NOTHING;
    const isSame = plan.changes.length === 0;
    if (dryRun) also.abandon();
    else await apply(isSame ? NOTHING : running.prepare(next), also);
    return { ...plan, changes: [...plan.changes, ...also.changes] };
  } catch (error) {
    return { changes: [], refused: refusalsOf(error as Error) };
  }
}

/** Both, or none. */
async function apply(config: Prepared | Promise<Prepared>, also: Named): Promise<void> {
  try {
    (await config).commit();
  } catch (error) {
    also.abandon();
    throw error;
  }
  also.commit();
}

function refusalsOf(error: Error): ReloadRefusal[] {
  if (!(error instanceof ConfigError)) return [{ key: '', why: error.message }];
  return error.problems.map(({ line, field, message }) => ({
    key: field,
    why: line === null ? message : `${message} (line ${line})`,
  }));
}

function sentenceOf({ changes }: ReloadPlan): string {
  if (changes.length === 0) return 'the config is as it was';
  return changes.map(({ sentence }) => sentence).join('; ');
}

function reasonsOf({ refused }: ReloadPlan): string {
  const reasons = refused.map(({ key, why }) => (key === '' ? why : `${key}: ${why}`));
  return `nothing was changed: ${reasons.join('; ')}`;
}

function record(events: EventSink, { by, reason }: Asked, done: boolean, effect: string): void {
  events.emit({
    event: 'operator',
    what: 'reload',
    stage: done ? 'done' : 'refused',
    by,
    reason,
    target: { kind: 'gate', name: null },
    order: null,
    scope: 'gate',
    until: null,
    overMs: null,
    sessions: 0,
    effect,
  });
}
