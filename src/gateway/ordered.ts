/** What operators have ordered about one client, whatever policy would say of it. */
import type { Decision } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import type { Applicant } from './applicant.ts';
import type { Orders } from './orders.ts';
import { paused } from './refusals.ts';

export interface OrderedContext {
  readonly orders: Orders;
  readonly clock: Clock;
}

/** The verdict that an order leads to; null: none concerns this client. */
export function orderedVerdict({ orders, clock }: OrderedContext, { facts }: Applicant): Decision | null {
  const { pause } = orders;
  return pause === null ? null : paused(facts, pause, clock.now());
}
