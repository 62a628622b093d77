/** Plays a scenario on a fleet and reports the outcome. */
import { policyOf } from '../config/policy.ts';
import { upgradeStatus } from '../migration/upgrade-status.ts';
import type { UpgradeState } from '../policy/types.ts';
import { pause } from '../ports/clock.ts';
import { createSeeded } from '../runtime/seeded.ts';
import { UnendingError } from '../runtime/virtual-clock.ts';
import { ClientPool, type SessionChange } from './client-pool.ts';
import { clusterOf } from './current-policy.ts';
import type { FleetDriver } from './driver.ts';
import { type Check, checkExpectations, type Failure, type RunFacts } from './expectations.ts';
import { NodeControl } from './node-control.ts';
import { describePlan } from './plan-text.ts';
import type { Scenario } from './scenario.ts';
import { type StateSpan, StateTimeline } from './state-timeline.ts';
import { partsOf, type Step, verbOf } from './steps/registry.ts';
import type { StepContext } from './steps/step.ts';

export type { RunFacts } from './expectations.ts';

export interface RunEvent {
  /** ms since the start. */
  readonly at: number;
  readonly what: string;
  /** Its place among the steps, where one begins here. */
  readonly step?: number;
  /** It found nothing to act on, such as killing what is dead. */
  readonly skipped?: true;
}

export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly scenario: Scenario;
  /** All that was expected; `failures` are those that do not hold. */
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
  /** What was done, in words. */
  readonly timeline: readonly RunEvent[];
  readonly facts: RunFacts;
  /** The decision log as NDJSON lines, which are put together for this call. */
  readonly log: () => readonly string[];
  /** Servers and gates, when in what state. */
  readonly nodes: readonly StateSpan[];
  /** Sessions that began and ended, oldest first. */
  readonly sessions: readonly SessionChange[];
  /** ms since the epoch, as the fleet's clock has it. */
  readonly start: number;
  readonly end: number;
}

export interface RunOptions {
  /** Hears of everything that is done, as it is done. */
  readonly onStep?: (what: string, at: number) => void;
  /** Where commands run. */
  readonly folder?: string;
}

/** What a step is given to show its effect before the next one, ms. */
const SETTLE = 100;
/** What clients on their way in are given at the end beyond the times they may wait, ms. */
const LAST_WAIT = 10_000;
/** How often it is checked whether something has happened, ms. */
const POLL = 50;

/**
 * Plays a scenario to its end and stops the fleet, whatever happens. What does not hold is in the report; it throws
 * only if the fleet itself fails.
 */
export async function runScenario(
  scenario: Scenario,
  fleet: FleetDriver,
  options: RunOptions | ((what: string, at: number) => void) = {},
): Promise<Report> {
  const { onStep = () => {}, folder = '.' } = typeof options === 'function' ? { onStep: options } : options;
  const run = new Run(scenario, fleet, onStep, folder);
  const report = await fleet.finish(run.all()).catch((error) => {
    if (error instanceof UnendingError) return run.unending(error);
    throw error;
  });
  if (scenario.expect?.invariants === undefined) return report;
  const check = await checkInvariants(fleet);
  const failures = check.holds ? report.failures : [...report.failures, check];
  return { ...report, checks: [...report.checks, check], failures };
}

async function checkInvariants(fleet: FleetDriver): Promise<Check> {
  const broken = (await fleet.violations?.()) ?? [];
  const found = broken.map(({ invariant, what }) => `${invariant}: ${what}`).join('; ');
  const holds = fleet.violations !== undefined && broken.length === 0;
  const blind = 'only a fleet on virtual time can tell';
  return { field: 'expect.invariants', expected: 'hold', found: holds ? 'hold' : found || blind, holds };
}

class Run {
  readonly #scenario: Scenario;
  readonly #fleet: FleetDriver;
  readonly #onStep: (what: string, at: number) => void;
  readonly #folder: string;
  readonly #clients: ClientPool;
  readonly #states: StateTimeline;
  readonly #nodes: NodeControl;
  readonly #timeline: RunEvent[] = [];
  readonly #checks: Check[] = [];
  #start = 0;

  constructor(
    scenario: Scenario,
    fleet: FleetDriver,
    onStep: (what: string, at: number) => void,
    folder: string,
  ) {
    this.#scenario = scenario;
    this.#fleet = fleet;
    this.#onStep = onStep;
    this.#folder = folder;
    this.#clients = new ClientPool(scenario.clients, fleet, createSeeded(scenario.seed));
    this.#states = new StateTimeline(() => fleet.clock.now());
    this.#nodes = new NodeControl(fleet, this.#states);
  }

  async all(): Promise<Report> {
    const { expect } = this.#scenario;
    try {
      await this.#begin();
      await this.#steps();
      await this.#settle();
      const facts = await this.facts();
      if (expect) this.#checks.push(...checkExpectations(expect, facts, 'expect'));
      this.#clients.close();
      return this.#report(facts);
    } finally {
      this.#clients.close();
      await this.#fleet.stop();
    }
  }

  /** Of a run that does not come to its end: what is known without asking its ledger, which may not answer. */
  unending({ message }: UnendingError): Report {
    const at = this.#timeline.findLast(({ step }) => step !== undefined)?.step;
    this.#fail(at === undefined ? 'steps' : `steps[${at}]`, 'it ends', message);
    this.#clients.close();
    return this.#report(this.#factsWith([], { state: 'idle' }));
  }

  async facts(): Promise<RunFacts> {
    const { ledger, clock } = this.#fleet;
    const history = await ledger.history();
    return this.#factsWith(history, upgradeStatus(await ledger.read(), clock.now()));
  }

  #factsWith(history: RunFacts['history'], upgrade: UpgradeState): RunFacts {
    const { records, level, open, clock } = this.#fleet;
    return {
      records: [...records],
      history,
      level,
      dropped: this.#clients.dropped,
      lost: this.#clients.lost,
      ...open,
      cluster: clusterOf(this.#states.present, level, upgrade),
      policy: policyOf(this.#scenario),
      now: clock.now(),
    };
  }

  #report(facts: RunFacts): Report {
    const { name, seed } = this.#scenario;
    return {
      name,
      seed,
      scenario: this.#scenario,
      checks: this.#checks,
      failures: this.#checks.filter(({ holds }) => !holds),
      timeline: this.#timeline,
      facts,
      log: () => this.#fleet.lines,
      nodes: this.#states.spans,
      sessions: this.#clients.changes,
      start: this.#start,
      end: facts.now,
    };
  }

  async #begin(): Promise<void> {
    this.#start = this.#fleet.clock.now();
    const { serverIds, gateIds } = this.#fleet;
    await this.#fleet.start();
    for (const id of serverIds) this.#states.set(id, 'up', this.#scenario.servers.version);
    for (const id of gateIds) this.#states.set(id, 'up');
  }

  async #steps(): Promise<void> {
    const words = describePlan(this.#scenario).steps;
    for (const [at, step] of this.#scenario.steps.entries()) {
      const [handler, value] = partsOf(step);
      const reason = handler.reasonToSkip?.(value, this.#nodes) ?? null;
      if (reason === null) this.#say(words[at] as string, { step: at });
      else this.#say(`${words[at]}: skipped, ${reason}`, { step: at, skipped: true });
      if (reason !== null) continue;
      if (!(await this.#perform(at, step))) return;
      await pause(this.#fleet.clock, SETTLE);
    }
  }

  /** A step that can't be done fails the scenario, and is the last. */
  async #perform(at: number, step: Step): Promise<boolean> {
    const [handler, value] = partsOf(step);
    try {
      await handler.perform(value, this.#contextOf(`steps[${at}].${verbOf(step)}`));
      return true;
    } catch (error) {
      this.#fail(`steps[${at}]`, 'it can be done', (error as Error).message);
      return false;
    }
  }

  #contextOf(field: string): StepContext {
    return {
      fleet: this.#fleet,
      clients: this.#clients,
      nodes: this.#nodes,
      folder: this.#folder,
      field,
      facts: () => this.facts(),
      check: (...checks) => void this.#checks.push(...checks),
      say: (what) => this.#say(what),
    };
  }

  /** Until nobody is on the way in any more. */
  async #settle(): Promise<void> {
    const { clock } = this.#fleet;
    const { timeouts, migration } = this.#scenario;
    const end =
      clock.monotonic() + timeouts.handshake + Math.max(timeouts.hold, migration.hold.deadline) + LAST_WAIT;
    while (this.#clients.pending > 0 && clock.monotonic() < end) await pause(clock, POLL);
  }

  #fail(field: string, expected: string, found: string): void {
    this.#checks.push({ field, expected, found, holds: false });
  }

  #say(what: string, about: Pick<RunEvent, 'step' | 'skipped'> = {}): void {
    const at = this.#fleet.clock.now() - this.#start;
    this.#timeline.push({ at, what, ...about });
    this.#onStep(what, at);
  }
}
