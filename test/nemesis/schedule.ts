/**
 * A schedule of faults, drawn from a seed: what is killed, stopped, cut off and filled when, what operators do in
 * between, and how the hook of the upgrade behaves. Plain data: the same seed gives the same schedule.
 */
import type { Random } from '../../src/ports/random.ts';
import { seeded } from '../support/random.ts';

export type Verb = 'approve' | 'block' | 'unblock' | 'retry' | 'abort';

export type Fault =
  | { readonly kind: 'kill-gate' | 'stop-gate' | 'start-gate'; readonly gate: number }
  /** Stands still (SIGSTOP) for so long. */
  | { readonly kind: 'freeze-gate'; readonly gate: number; readonly ms: number }
  /** The gate that runs the upgrade is killed, or stands still for so long: perhaps until its claim is lost. */
  | { readonly kind: 'kill-holder' }
  | { readonly kind: 'freeze-holder'; readonly ms: number }
  | { readonly kind: 'restart-server'; readonly server: number; readonly ms: number }
  | { readonly kind: 'kill-hook' }
  | { readonly kind: 'freeze-hook'; readonly ms: number }
  /** The ledger's disk is full (SQLite), or its member stands still (etcd). */
  | { readonly kind: 'full-disk' | 'freeze-ledger'; readonly ms: number }
  /** The wire between a gate and the ledger is cut (etcd). */
  | { readonly kind: 'cut-ledger'; readonly gate: number; readonly ms: number }
  /** The ledger is deleted or wiped behind the gates' backs. */
  | { readonly kind: 'lose-ledger' }
  | { readonly kind: 'operator'; readonly verb: Verb; readonly ms: number | null };

export interface Timed {
  /** ms since the schedule began. */
  readonly at: number;
  readonly fault: Fault;
}

export interface Schedule {
  readonly seed: number;
  readonly ledger: 'sqlite' | 'etcd';
  /** What runs the upgrade: a command that outlives its gate, or an upgraded server. */
  readonly hook: 'command' | 'server';
  /** How long the hook's work takes, ms. */
  readonly work: number;
  /** Runs of the hook that fail, from the first on. */
  readonly failures: number;
  /** Whether the ledger is lost: gates live on then, since only they know what was in it. */
  readonly loses: boolean;
  readonly faults: readonly Timed[];
}

export const GATES = 2;
export const SERVERS = 2;

/** Faults come within this time, ms; each is over at most as long after it. */
const SPAN = 3_500;

export function drawSchedule(seed: number, ledger: Schedule['ledger']): Schedule {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const loses = below(6) === 0;
  const drawn = Array.from({ length: 3 + below(7) }, () => drawFault(random, ledger));
  const faults: Fault[] = loses
    ? [{ kind: 'lose-ledger' }, ...drawn.filter(({ kind }) => !ENDS_GATES.has(kind))]
    : drawn;
  return {
    seed,
    ledger,
    loses,
    hook: below(4) === 0 ? 'server' : 'command',
    // Half of them outlive the lease of a gate that is lost.
    work: below(2) === 0 ? 2_500 + below(2_500) : 100 + below(1_400),
    failures: below(4) === 0 ? 1 + below(2) : 0,
    faults: faults
      .map((fault) => ({ at: 100 + below(SPAN), fault }))
      .toSorted((one, other) => one.at - other.at),
  };
}

const ENDS_GATES: ReadonlySet<Fault['kind']> = new Set([
  'kill-gate',
  'kill-holder',
  'stop-gate',
  'full-disk',
]);

function drawFault(random: Random, ledger: Schedule['ledger']): Fault {
  const below = (limit: number) => Math.floor(random.next() * limit);
  const gate = below(GATES);
  const ms = 200 + below(2_300);
  const kinds: ReadonlyArray<() => Fault> = [
    () => ({ kind: 'kill-holder' }),
    () => ({ kind: 'kill-holder' }),
    () => ({ kind: 'freeze-holder', ms: 2 * ms }),
    () => ({ kind: 'freeze-holder', ms: 2 * ms }),
    () => ({ kind: 'kill-gate', gate }),
    () => ({ kind: 'stop-gate', gate }),
    () => ({ kind: 'start-gate', gate }),
    () => ({ kind: 'freeze-gate', gate, ms }),
    () => ({ kind: 'restart-server', server: below(SERVERS), ms: below(1_000) }),
    () => ({ kind: 'kill-hook' }),
    () => ({ kind: 'freeze-hook', ms }),
    () => (ledger === 'sqlite' ? { kind: 'full-disk', ms } : { kind: 'freeze-ledger', ms }),
    () => (ledger === 'sqlite' ? { kind: 'full-disk', ms } : { kind: 'cut-ledger', gate, ms }),
    () => ({ kind: 'operator', verb: 'block', ms: below(2) === 0 ? null : ms }),
    () => ({ kind: 'operator', verb: 'unblock', ms: null }),
    () => ({ kind: 'operator', verb: 'retry', ms: null }),
    () => ({ kind: 'operator', verb: 'abort', ms: null }),
    () => ({ kind: 'operator', verb: 'approve', ms: null }),
  ];
  return (kinds[below(kinds.length)] as () => Fault)();
}

/** One line a fault, for the report of a schedule that failed. */
export function printSchedule({ seed, ledger, hook, work, failures, faults }: Schedule): string {
  const lines = faults.map(({ at, fault }) => {
    const { kind, ...rest } = fault;
    return `  ${String(at).padStart(5)} ms  ${kind} ${JSON.stringify(rest)}`;
  });
  return [`seed ${seed}, ${ledger}, ${hook} hook of ${work} ms, ${failures} failing runs`, ...lines].join(
    '\n',
  );
}
