/** Keeps a claim's lease alive, and says when it is lost. */
import type { Clock, Timer } from '../ports/clock.ts';
import { ClaimLost, type HeldClaim } from './ledger/held-claim.ts';

interface Renewal {
  readonly held: HeldClaim;
  /** Aborts when the claim is lost, and when its lease may have lapsed for all that is known here. */
  readonly lost: AbortController;
  /** ms */
  readonly lease: number;
  readonly clock: Clock;
}

/** Renews every third of the lease, sooner after a try that failed, until what it returns is called. */
export function keepRenewing({ held, lost, lease, clock }: Renewal, grantedAt: number): () => void {
  let lastError = 'no answer';
  let over = false;
  let next: Timer;
  let limit: Timer;
  const stop = () => {
    over = true;
    next.cancel();
    limit.cancel();
  };
  const lose = (why: string) => {
    stop();
    lost.abort(new ClaimLost(why));
  };
  const trust = (from: number) =>
    clock.after(from + lease - clock.monotonic(), () => lose(`the lease could not be renewed: ${lastError}`));
  const renew = async () => {
    const askedAt = clock.monotonic();
    let wait = lease / 3;
    try {
      const renewed = await held.renew();
      if (over) return;
      if (!renewed) return lose(`the lease of token ${held.token} lapsed`);
      limit.cancel();
      limit = trust(askedAt);
    } catch (error) {
      lastError = (error as Error).message;
      wait = lease / 20;
    }
    if (!over) next = clock.after(wait, renew);
  };
  limit = trust(grantedAt);
  next = clock.after(lease / 3, renew);
  return stop;
}
