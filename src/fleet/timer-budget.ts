/**
 * Limits how many timers may fire while a scenario is played on virtual time. The limit is many times what a scenario
 * that ends can need, so a scenario in which something is retried for ever is recognised, at the same moment on every
 * machine.
 */
import type { FleetSettings } from './fleet-schema.ts';
import type { Scenario } from './scenario.ts';
import { partsOf, type Step } from './steps/registry.ts';
import { WORK } from './steps/step.ts';

const BASE = 20_000;
/** A client that comes, is judged and goes takes about 40, and some more for each time that it is told to wait. */
const OF_AN_ATTEMPT = 300;
/** A probe of one server, or a look at the ledger, takes about 12. */
const OF_A_LOOK = 50;
/** ms between two things that a gate or a waiting client does by itself. */
const BEAT = 1_000;

/** How many timers may fire while this scenario is played. */
export function timerBudget(scenario: Scenario): number {
  const { gates, servers, clients, steps, timeouts, migration } = scenario;
  const wait = timeouts.handshake + Math.max(timeouts.hold, migration.hold.deadline);
  const time = steps.reduce((sum, step) => sum + timeOf(step, scenario), wait + WORK);
  const attempts = clients.reduce((sum, { name, count, again = Number.POSITIVE_INFINITY, stay = 0 }) => {
    const called = steps.filter((step) => groupOf(step) === name).length;
    return sum + count * (called + time / Math.max(1, again + stay));
  }, 0);
  const beat = Math.min(BEAT, timeouts.probe, migration.lease / 3);
  const looks = (gates * (servers.count + 1) * time) / beat;
  return Math.ceil(BASE + attempts * (OF_AN_ATTEMPT + (wait / BEAT) * 3) + looks * OF_A_LOOK);
}

function groupOf(step: Step): string | null {
  const [handler, value] = partsOf(step);
  return handler.group?.(value) ?? null;
}

/** ms that a step takes at most. */
function timeOf(step: Step, fleet: FleetSettings): number {
  const [handler, value] = partsOf(step);
  return handler.longest?.(value, fleet) ?? WORK;
}
