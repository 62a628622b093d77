/** Plays a scenario on a fleet and says what came of it. */
import { policyOf } from '../config/policy.ts';
import type { UpgradeState } from '../policy/types.ts';
import { pause } from '../ports/clock.ts';
import { createSeeded } from '../ports/seeded.ts';
import { UnendingError } from '../runtime/virtual-clock.ts';
import { ClientPool, type SessionChange } from './client-pool.ts';
import { clusterOf, upgradeStateOf } from './current-policy.ts';
import type { FleetDriver } from './driver.ts';
import { type Check, checkExpectations, type Failure, type RunFacts } from './expectations.ts';
import { NodeControl } from './node-control.ts';
import { describePlan } from './plan-text.ts';
import { runCommand } from './run-command.ts';
import type { Scenario, Step } from './scenario.ts';
import { type StateSpan, StateTimeline } from './state-timeline.ts';

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
  /** The decision log, NDJSON. */
  readonly log: readonly string[];
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
/** ms between two looks at whether something happened. */
const POLL = 50;
const WHO = { by: 'scenario', reason: 'a step of the scenario' };

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
    return this.#factsWith(history, upgradeStateOf(await ledger.read(), clock.now()));
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
      log: this.#fleet.lines,
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

  /** A step that can't be done fails the scenario, and is the last. */
  async #steps(): Promise<void> {
    const { steps } = this.#scenario;
    const words = describePlan(this.#scenario).steps;
    for (const [at, step] of steps.entries()) {
      const idle = this.#nodes.reasonToSkip(step);
      if (idle === null) this.#say(words[at] as string, { step: at });
      else this.#say(`${words[at]}: skipped, ${idle}`, { step: at, skipped: true });
      if (idle !== null) continue;
      const field = `steps[${at}]`;
      try {
        if (step.expect)
          this.#checks.push(...checkExpectations(step.expect, await this.facts(), `${field}.expect`));
        else await this.#perform(step, field);
      } catch (error) {
        this.#fail(field, 'it can be done', (error as Error).message);
        return;
      }
      await pause(this.#fleet.clock, SETTLE);
    }
  }

  /** Until nobody is on the way in any more. */
  async #settle(): Promise<void> {
    const { clock } = this.#fleet;
    const { timeouts, migration } = this.#scenario;
    const end =
      clock.now() + timeouts.handshake + Math.max(timeouts.hold, migration.hold.deadline) + LAST_WAIT;
    while (this.#clients.pending > 0 && clock.now() < end) await pause(clock, POLL);
  }

  async #perform(step: Step, field: string): Promise<void> {
    const clients = this.#clients;
    if (step.connect !== undefined) await clients.arrive(step.connect);
    if (step.arrive !== undefined) void clients.arrive(step.arrive);
    if (step.disconnect !== undefined) clients.disconnect(step.disconnect);
    if (step.change) {
      clients.disconnect(step.change.group);
      clients.change(step.change.group, step.change.to);
      await clients.arrive(step.change.group);
    }
    if (step.roll) {
      const unhealthy = await this.#nodes.roll(step.roll, (what) => this.#say(what));
      if (unhealthy !== null) this.#fail(`${field}.roll.health`, unhealthy.expected, unhealthy.found);
    }
    if (step.wait !== undefined) await pause(this.#fleet.clock, step.wait);
    if (step.run) await runCommand(step.run, this.#folder, this.#fleet.environment);
    if (step.operator !== undefined) await this.#operate(step.operator);
    await this.#nodes.act(step);
  }

  async #operate(verb: NonNullable<Step['operator']>): Promise<void> {
    const { ledger } = this.#fleet;
    if (verb === 'block') await ledger.block(WHO, null);
    else await ledger[verb](WHO);
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
