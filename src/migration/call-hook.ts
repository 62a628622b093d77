/** How a hook is called: with the facts of its run, until its deadline, under a claim. */
import { type Clock, pause } from '../ports/clock.ts';
import { type Hook, HookError, type HookFacts } from './hook/hook.ts';
import type { HeldClaim } from './ledger/held-claim.ts';
import type { Claim, LedgerRecord } from './ledger/record.ts';
import type { MigrationProgress } from './migration.ts';

export interface TimedHook {
  readonly hook: Hook;
  /** ms */
  readonly timeout: number;
}

export interface Hooks {
  readonly main: TimedHook;
  /** Of single releases, by `major.minor.patch`. */
  readonly own: ReadonlyMap<string, TimedHook>;
  /** Answers whether a run is done already: resolves for yes, throws for no. */
  readonly check: TimedHook | null;
  readonly snapshot: TimedHook | null;
  /** After a failure. */
  readonly restore: TimedHook | null;
  /** Makes the hook for a script that a major release demands. */
  readonly script: (script: string) => TimedHook;
}

/** What calling a hook takes. */
export interface CallContext {
  readonly clock: Clock;
  readonly held: HeldClaim;
  /** Aborts when the claim is lost, an operator aborts, or the gate stops. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: MigrationProgress) => void;
}

/** A release's own hook, or the main one. */
export function hookOf(run: Claim['plan']['runs'][number] | undefined, hooks: Hooks): TimedHook {
  return (run && hooks.own.get(run.to)) ?? hooks.main;
}

/** What a hook is told about a run. */
export function factsOf(
  { cluster, epoch, id }: LedgerRecord,
  { plan, attempt, token, trigger }: Claim,
  { from, to, fromLevel, toLevel, step }: Claim['plan']['runs'][number],
): HookFacts {
  return {
    cluster,
    from,
    to,
    fromLevel,
    toLevel,
    step,
    steps: plan.steps.length,
    attempt,
    token,
    ledger: id,
    key: `${cluster}/${epoch}/${fromLevel}-${toLevel}/${to}`,
    client: trigger.client,
  };
}

/** Runs a hook until its deadline. @throws {HookError | ClaimLost} */
export async function callHook(
  { clock, held, signal, onProgress }: CallContext,
  { hook, timeout }: TimedHook,
  facts: HookFacts,
): Promise<void> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const timer = clock.after(timeout, () => limit.abort(new Error(`deadline of ${timeout / 1_000} s`)));
  const noted = createThrottle(clock, (progress: MigrationProgress) => held.note({ progress }));
  let over = false;
  try {
    await hook.run(facts, {
      signal: limit.signal,
      progress: (progress) => {
        if (over) return;
        onProgress(progress);
        noted(progress);
      },
      started: async (process) => {
        await held.note({ process });
      },
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (limit.signal.aborted)
      throw new HookError(`${hook.name}: ${(limit.signal.reason as Error).message} passed`);
    throw error;
  } finally {
    over = true;
    timer.cancel();
    signal.removeEventListener('abort', stop);
  }
}

const NOTE_EVERY = 1_000;

/** At most one note a second; one that fails is none: progress is not worth failing for. */
function createThrottle<T>(clock: Clock, act: (value: T) => Promise<unknown>): (value: T) => void {
  let busy = false;
  return (value) => {
    if (busy) return;
    busy = true;
    act(value)
      .catch(() => {})
      .then(() => pause(clock, NOTE_EVERY))
      .finally(() => {
        busy = false;
      });
  };
}
