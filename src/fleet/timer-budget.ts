/**
 * How many timers may go off while a scenario is played on virtual time: many times what one that ends needs, so
 * that one in which something is tried for ever is told from it, on every machine at the same moment.
 */
import type { Scenario, Step } from './scenario.ts';

const BASE = 20_000;
/** A client that comes, is judged and goes takes about 40, and some more for each time that it is told to wait. */
const OF_AN_ATTEMPT = 300;
/** A probe of one server, or a look at the ledger, takes about 12. */
const OF_A_LOOK = 50;
/** ms between two things that a gate or a waiting client does by itself. */
const BEAT = 1_000;
/** ms for what a step takes beside what it states. */
const WORK = 5_000;

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

const groupOf = ({ connect, arrive, change }: Step) => connect ?? arrive ?? change?.group;

/** ms that a step takes at most. */
function timeOf(step: Step, { servers, clients, timeouts }: Scenario): number {
  const over = clients.find(({ name }) => name === groupOf(step))?.over ?? 0;
  const { wait = 0, roll, restart } = step;
  const { grace = 0, pause = 0, health = 0 } = roll ?? {};
  const rolled = (roll?.servers?.length ?? servers.count) * (grace + pause + health + WORK);
  return over + wait + (roll ? rolled : WORK) + (restart === undefined ? 0 : timeouts.drain);
}
