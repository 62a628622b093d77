/** Plays a scenario on a fleet and says what came of it. */
import { policyOf } from '../config/policy.ts';
import { pause } from '../ports/clock.ts';
import { createSeeded } from '../ports/seeded.ts';
import { runCommand } from './command.ts';
import { Crowd, type SessionChange } from './crowd.ts';
import type { FleetDriver } from './driver.ts';
import { type Check, type Facts, type Failure, judge } from './expect.ts';
import { Sightings } from './health.ts';
import { describePlan } from './plan-text.ts';
import type { Scenario, Step } from './scenario.ts';
import { clusterOf, upgradeStateOf } from './standing.ts';
import { type Span, Tracks } from './tracks.ts';

export type { Facts } from './expect.ts';

export interface Happening {
  /** ms since the start. */
  readonly at: number;
  readonly what: string;
}

export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly scenario: Scenario;
  /** All that was expected; `failures` are those that do not hold. */
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
  /** What was done, in words. */
  readonly timeline: readonly Happening[];
  readonly facts: Facts;
  /** The decision log, NDJSON. */
  readonly log: readonly string[];
  /** Servers and gates, when in what state. */
  readonly tracks: readonly Span[];
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
/** That a server's sessions get when it is restarted, ms. */
const GRACE = 5_000;
const WHO = { by: 'scenario', reason: 'a step of the scenario' };

export async function runScenario(
  scenario: Scenario,
  fleet: FleetDriver,
  options: RunOptions | ((what: string, at: number) => void) = {},
): Promise<Report> {
  const { onStep = () => {}, folder = '.' } = typeof options === 'function' ? { onStep: options } : options;
  const run = new Run(scenario, fleet, onStep, folder);
  const report = await fleet.finish(run.all());
  if (scenario.expect?.invariants === undefined) return report;
  const check = await judgeInvariants(fleet);
  const failures = check.holds ? report.failures : [...report.failures, check];
  return { ...report, checks: [...report.checks, check], failures };
}

async function judgeInvariants(fleet: FleetDriver): Promise<Check> {
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
  readonly #crowd: Crowd;
  readonly #tracks: Tracks;
  readonly #sightings: Sightings;
  readonly #timeline: Happening[] = [];
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
    this.#crowd = new Crowd(scenario.clients, fleet, createSeeded(scenario.seed));
    this.#tracks = new Tracks(() => fleet.clock.now());
    this.#sightings = new Sightings(() => fleet.lines);
  }

  async all(): Promise<Report> {
    const { name, seed, expect } = this.#scenario;
    try {
      await this.#begin();
      await this.#steps();
      await this.#settle();
      const facts = await this.facts();
      if (expect) this.#checks.push(...judge(expect, facts, 'expect'));
      this.#crowd.close();
      return {
        name,
        seed,
        scenario: this.#scenario,
        checks: this.#checks,
        failures: this.#checks.filter(({ holds }) => !holds),
        timeline: this.#timeline,
        facts,
        log: this.#fleet.lines,
        tracks: this.#tracks.spans,
        sessions: this.#crowd.changes,
        start: this.#start,
        end: facts.now,
      };
    } finally {
      this.#crowd.close();
      await this.#fleet.stop();
    }
  }

  async facts(): Promise<Facts> {
    const { records, ledger, level, open, clock } = this.#fleet;
    const now = clock.now();
    return {
      records: [...records],
      history: await ledger.history(),
      level,
      dropped: this.#crowd.dropped,
      lost: this.#crowd.lost,
      ...open,
      cluster: clusterOf(this.#tracks.present, level, upgradeStateOf(await ledger.read(), now)),
      policy: policyOf(this.#scenario),
      now,
    };
  }

  async #begin(): Promise<void> {
    this.#start = this.#fleet.clock.now();
    const { serverIds, gateIds } = this.#fleet;
    await this.#fleet.start();
    for (const id of serverIds) this.#tracks.set(id, 'up', this.#scenario.servers.version);
    for (const id of gateIds) this.#tracks.set(id, 'up');
  }

  /** A step that can't be done fails the scenario, and is the last. */
  async #steps(): Promise<void> {
    const { steps } = this.#scenario;
    const words = describePlan(this.#scenario).steps;
    for (const [at, step] of steps.entries()) {
      this.#say(words[at] as string);
      const field = `steps[${at}]`;
      try {
        if (step.expect) this.#checks.push(...judge(step.expect, await this.facts(), `${field}.expect`));
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
    const end = clock.now() + Math.max(timeouts.hold, migration.hold.deadline) + LAST_WAIT;
    while (this.#crowd.busy > 0 && clock.now() < end) await pause(clock, POLL);
  }

  async #perform(step: Step, field: string): Promise<void> {
    const crowd = this.#crowd;
    if (step.connect !== undefined) await crowd.arrive(step.connect);
    if (step.arrive !== undefined) void crowd.arrive(step.arrive);
    if (step.disconnect !== undefined) crowd.disconnect(step.disconnect);
    if (step.change) {
      crowd.disconnect(step.change.group);
      crowd.change(step.change.group, step.change.to);
      await crowd.arrive(step.change.group);
    }
    if (step.roll) await this.#roll(step.roll, field);
    if (step.wait !== undefined) await pause(this.#fleet.clock, step.wait);
    if (step.run) await runCommand(step.run, this.#folder, this.#fleet.environment);
    if (step.operator !== undefined) await this.#operate(step.operator);
    await this.#disturb(step);
  }

  async #disturb({ restart, kill, start, pause: stop, resume, cut, heal }: Step): Promise<void> {
    const fleet = this.#fleet;
    if (restart !== undefined) await this.#restart(restart);
    if (kill !== undefined) this.#kill(kill);
    if (start !== undefined) await this.#revive(start);
    if (stop !== undefined) {
      fleet.pause(stop);
      this.#tracks.set(stop, 'paused');
    }
    if (resume !== undefined) {
      fleet.resume(resume);
      this.#tracks.set(resume, 'up');
    }
    if (cut) fleet.cut(...cut);
    if (heal) fleet.heal(...heal);
  }

  async #operate(verb: NonNullable<Step['operator']>): Promise<void> {
    const { ledger } = this.#fleet;
    if (verb === 'block') await ledger.block(WHO, null);
    else await ledger[verb](WHO);
  }

  #kill(id: string): void {
    this.#fleet.kill(id);
    this.#tracks.set(id, 'down');
  }

  async #revive(id: string): Promise<void> {
    await this.#fleet.revive(id);
    this.#tracks.set(id, 'up');
  }

  async #restart(id: string): Promise<void> {
    if (this.#fleet.gateIds.includes(id)) this.#kill(id);
    else await this.#stopServer(id, GRACE);
    await this.#revive(id);
  }

  async #stopServer(id: string, grace: number): Promise<void> {
    this.#tracks.set(id, 'leaving');
    await this.#fleet.stopServer(id, grace);
    this.#tracks.set(id, 'down');
  }

  async #roll({ to, servers, batch, pause: between, grace, health }: Roll, field: string): Promise<void> {
    const ids = servers ?? this.#fleet.serverIds;
    for (let at = 0; at < ids.length; at += batch) {
      const now = ids.slice(at, at + batch);
      await Promise.all(now.map((id) => this.#stopServer(id, grace)));
      await Promise.all(now.map((id) => this.#fleet.startServer(id, to)));
      for (const id of now) this.#tracks.set(id, 'up', to);
      this.#say(`${now.join(', ')} on ${to}`);
      if (health !== undefined) {
        const missing = await this.#awaitHealth(now, to, health);
        if (missing !== null) {
          const wanted = `${now.join(', ')} seen up on ${to} within ${health / 1_000} s`;
          this.#fail(`${field}.roll.health`, wanted, missing);
          return;
        }
      }
      await pause(this.#fleet.clock, between);
    }
  }

  /** Null once every gate that lives sees these servers up; else what was amiss when time was over. */
  async #awaitHealth(ids: readonly string[], version: string, within: number): Promise<string | null> {
    const { clock, gateIds } = this.#fleet;
    const end = clock.now() + within;
    for (;;) {
      const living = this.#tracks.present.filter(({ id, state }) => gateIds.includes(id) && state === 'up');
      const missing = this.#sightings.missing(
        living.map(({ id }) => id),
        ids,
        version,
      );
      if (missing === null || clock.now() >= end) return missing;
      await pause(clock, POLL);
    }
  }

  #fail(field: string, expected: string, found: string): void {
    this.#checks.push({ field, expected, found, holds: false });
  }

  #say(what: string): void {
    const at = this.#fleet.clock.now() - this.#start;
    this.#timeline.push({ at, what });
    this.#onStep(what, at);
  }
}

type Roll = NonNullable<Step['roll']>;
