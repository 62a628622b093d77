/** What operators have ordered about one client, whatever policy would say of it. */
import type { Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Applicant } from './applicant.ts';
import type { Judge } from './judge.ts';
import type { Order, Orders } from './orders.ts';
import { draining, paused, releaseDrained } from './refusals.ts';
import { lineOutside } from './release-drained.ts';
import type { Settings } from './settings.ts';

export interface OrderedContext {
  readonly orders: Orders;
  readonly judge: Judge;
  readonly settings: Settings;
  readonly clock: Clock;
}

/**
 * The verdict that an order leads to; null: none concerns this client.
 * @param listener the address that it came to
 */
export function orderedVerdict(
  context: OrderedContext,
  applicant: Applicant,
  listener: string,
): Decision | null {
  const { orders, clock } = context;
  const { facts } = applicant;
  const away = gateDrainNow(context) ?? orders.drainOfListener(listener);
  if (away !== null) return draining(facts, away);
  const moved = orders.drainOfClient(facts.version);
  if (moved !== null) return releaseDrained(facts, moved, wayOut(context, applicant));
  const { pause } = orders;
  return pause === null ? null : paused(facts, pause, clock.now());
}

/** A gate that is drained takes clients until balancers had the time to see that it is not ready. */
function gateDrainNow({ orders, settings }: OrderedContext): Order | null {
  const order = orders.gateDrain;
  return order !== null && orders.ageOf(order) >= settings.times.lameDuck ? order : null;
}

/** The release line that a client is to move to whose own is drained; null: none is known. */
function wayOut({ orders, judge, settings }: OrderedContext, applicant: Applicant): string | null {
  const facts = judge.facts(applicant);
  return lineOutside(
    applicant.facts.version,
    (version) => orders.drainOfClient(version) !== null,
    facts,
    settings.policy,
    (version) => {
      const { verdict } = judge.decide({ ...applicant, facts: { ...applicant.facts, version } }, facts);
      return verdict === 'permit' || verdict === 'migrate';
    },
  );
}
