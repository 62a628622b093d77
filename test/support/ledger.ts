/** What tests of the ledger ask for: claims, plans, and a store whose answers get lost. */
import { HeldClaim } from '../../src/migration/ledger/held-claim.ts';
import { LedgerUnavailable, type Store, wrapStore } from '../../src/migration/ledger/store.ts';
import type { ClaimRequest, Denied } from '../../src/migration/ledger/transitions.ts';
import { planUpgrade } from '../../src/policy/plan.ts';
import { levelOf } from '../../src/version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../src/version/phoenix.ts';
import { parseVersion } from '../../src/version/version.ts';

export const OPERATOR = { by: 'olga', reason: 'change freeze' };

/** By Phoenix's catalogue: 4.0.0 to 4.2.0 takes two steps, 4.13.0 to 4.14.0 one. */
export function planOf(from: string, to: string): ClaimRequest['plan'] {
  const release = parseVersion(from);
  return planUpgrade({
    catalogue: PHOENIX_CATALOGUE,
    from: { level: levelOf(PHOENIX_CATALOGUE, release), release },
    to: parseVersion(to),
  });
}

export function requestOf(owner: string, from = '4.0.0', to = '4.2.0', above = 0): ClaimRequest {
  const trigger = { gate: owner, connection: 'c1', client: to, driver: 'test' };
  return {
    owner,
    plan: planOf(from, to),
    checksum: `${from}-${to}`,
    trigger,
    above,
    attempts: Number.POSITIVE_INFINITY,
  };
}

/** @throws unless the claim was given. */
export function claimed(outcome: HeldClaim | Denied): HeldClaim {
  if (outcome instanceof HeldClaim) return outcome;
  throw new Error(`no claim was given: ${outcome}`);
}

/** Runs what is left of the plan, and completes. */
export async function finish(held: HeldClaim): Promise<void> {
  const { claim } = await held.current();
  for (let at = claim.runsDone; at < claim.plan.runs.length; at++) {
    await held.runStarted(`key-${at}`);
    await held.runDone(at, `key-${at}`, true);
  }
  await held.complete();
}

/** A store whose next swap happens, and whose answer never arrives. */
export function losingAnswers(store: Store): { readonly store: Store; loseNext(): void } {
  let lose = false;
  return {
    store: wrapStore(store, {
      async swap(cluster, swap) {
        const done = await store.swap(cluster, swap);
        if (!lose) return done;
        lose = false;
        throw new LedgerUnavailable('the answer was lost');
      },
    }),
    loseNext() {
      lose = true;
    },
  };
}

/** A store whose next swap happens only once `meanwhile` is over, as if the process was paused before it. */
export function stalling(store: Store): {
  readonly store: Store;
  stallNext(meanwhile: () => Promise<void>): void;
} {
  let stall: (() => Promise<void>) | null = null;
  return {
    store: wrapStore(store, {
      async swap(cluster, swap) {
        const meanwhile = stall;
        stall = null;
        await meanwhile?.();
        return store.swap(cluster, swap);
      },
    }),
    stallNext(meanwhile) {
      stall = meanwhile;
    },
  };
}
