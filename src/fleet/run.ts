/** Plays a scenario on a fleet and says what came of it. */

import type { HistoryEntry } from '../migration/ledger/record.ts';
import { pause } from '../ports/clock.ts';
import type { Attempt, FleetDriver, Logged } from './driver.ts';
import { type Failure, judge } from './expect.ts';
import type { Group, Scenario, Step } from './scenario.ts';

export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly failures: readonly Failure[];
  /** What happened, in words; `at` is ms since the start. */
  readonly timeline: ReadonlyArray<{ readonly at: number; readonly what: string }>;
  readonly facts: Facts;
  /** The decision log, NDJSON. */
  readonly log: readonly string[];
}

/** What expectations are about. */
export interface Facts {
  readonly records: readonly Logged[];
  readonly history: readonly HistoryEntry[];
  readonly level: number | null;
  readonly dropped: number;
  readonly sessions: number;
  readonly handshakes: number;
}

interface Client {
  readonly name: string;
  readonly group: Group;
  version: string;
  attempt: Attempt | null;
  /** Set while it ends its session itself. */
  leaving: boolean;
  busy: boolean;
}

/** What a step is given to show its effect before the next one, ms. */
const SETTLE = 100;
/** What clients on their way in are given at the end, ms. */
const LAST_WAIT = 600_000;

export async function runScenario(
  scenario: Scenario,
  fleet: FleetDriver,
  onStep: (what: string) => void = () => {},
): Promise<Report> {
  const run = new Run(scenario, fleet, onStep);
  return fleet.finish(run.all());
}

class Run {
  readonly #scenario: Scenario;
  readonly #fleet: FleetDriver;
  readonly #onStep: (what: string) => void;
  readonly #clients = new Map<string, Client[]>();
  readonly #timeline: Array<{ at: number; what: string }> = [];
  readonly #failures: Failure[] = [];
  readonly #start: number;
  #dropped = 0;
  #over = false;

  constructor(scenario: Scenario, fleet: FleetDriver, onStep: (what: string) => void) {
    this.#scenario = scenario;
    this.#fleet = fleet;
    this.#onStep = onStep;
    this.#start = fleet.clock.now();
    for (const group of scenario.clients)
      this.#clients.set(
        group.name,
        Array.from({ length: group.count }, (_, at) => ({
          name: `${group.name}-${at + 1}`,
          group,
          version: group.version,
          attempt: null,
          leaving: false,
          busy: false,
        })),
      );
  }

  async all(): Promise<Report> {
    const { name, seed, steps, expect } = this.#scenario;
    await this.#fleet.start();
    for (const [at, step] of steps.entries()) {
      this.#say(describeStep(step));
      if (step.expect) this.#failures.push(...judge(step.expect, await this.facts(), `steps[${at}].expect`));
      else await this.#perform(step);
      await pause(this.#fleet.clock, SETTLE);
    }
    await this.#settle();
    const facts = await this.facts();
    if (expect) this.#failures.push(...judge(expect, facts, 'expect'));
    this.#over = true;
    await this.#fleet.stop();
    return { name, seed, failures: this.#failures, timeline: this.#timeline, facts, log: this.#fleet.lines };
  }

  async facts(): Promise<Facts> {
    const { records, ledger, level, open } = this.#fleet;
    return {
      records: [...records],
      history: await ledger.history(),
      level,
      dropped: this.#dropped,
      ...open,
    };
  }

  /** Until nobody is on the way in any more. */
  async #settle(): Promise<void> {
    const end = this.#fleet.clock.now() + LAST_WAIT;
    this.#over = true;
    while ([...this.#clients.values()].flat().some(({ busy }) => busy) && this.#fleet.clock.now() < end)
      await pause(this.#fleet.clock, SETTLE);
  }

  async #perform(step: Step): Promise<void> {
    const { clock, ledger } = this.#fleet;
    if (step.connect !== undefined) await this.#arrive(this.#group(step.connect));
    if (step.disconnect !== undefined) for (const client of this.#group(step.disconnect)) this.#leave(client);
    if (step.change) {
      const clients = this.#group(step.change.group);
      for (const client of clients) {
        this.#leave(client);
        client.version = step.change.to;
      }
      await this.#arrive(clients);
    }
    if (step.roll) await this.#roll(step.roll);
    if (step.restart !== undefined) {
      await this.#fleet.stopServer(step.restart, 5_000);
      await this.#fleet.startServer(step.restart);
    }
    if (step.kill !== undefined) this.#fleet.kill(step.kill);
    if (step.start !== undefined) await this.#fleet.revive(step.start);
    if (step.pause !== undefined) this.#fleet.pause(step.pause);
    if (step.resume !== undefined) this.#fleet.resume(step.resume);
    if (step.cut) this.#fleet.cut(step.cut[0], step.cut[1]);
    if (step.heal) this.#fleet.heal(step.heal[0], step.heal[1]);
    if (step.wait !== undefined) await pause(clock, step.wait);
    const who = { by: 'scenario', reason: 'a step of the scenario' };
    if (step.operator === 'block') await ledger.block(who, null);
    else if (step.operator !== undefined) await ledger[step.operator](who);
  }

  async #roll({ to, batch, pause: between, grace }: NonNullable<Step['roll']>): Promise<void> {
    const ids = this.#fleet.serverIds;
    for (let at = 0; at < ids.length; at += batch) {
      const now = ids.slice(at, at + batch);
      await Promise.all(now.map((id) => this.#fleet.stopServer(id, grace)));
      await Promise.all(now.map((id) => this.#fleet.startServer(id, to)));
      this.#say(`${now.join(', ')} on ${to}`);
      await pause(this.#fleet.clock, between);
    }
  }

  async #arrive(clients: readonly Client[]): Promise<void> {
    const over = clients[0]?.group.over ?? 0;
    for (const [at, client] of clients.entries()) {
      if (at > 0 && over > 0) await pause(this.#fleet.clock, over / clients.length);
      void this.#visit(client);
    }
  }

  /** One client's stay: in, perhaps out again after a while, perhaps back. */
  async #visit(client: Client): Promise<void> {
    const { clock } = this.#fleet;
    client.leaving = false;
    client.busy = true;
    const attempt = await this.#fleet.connect(client.name, client.version, client.group.upgrade);
    client.attempt = attempt;
    client.busy = false;
    if (attempt.kind === 'admitted') {
      const { session } = attempt;
      session.on('error', () => {});
      session.once('close', () => {
        if (!client.leaving && !this.#over) this.#dropped++;
        if (client.attempt === attempt) client.attempt = null;
      });
      const { stay } = client.group;
      if (stay === undefined) return;
      await pause(clock, stay);
      if (client.attempt !== attempt) return;
      this.#leave(client);
    }
    if (client.group.again === undefined) return;
    await pause(clock, client.group.again);
    if (!this.#over && client.attempt === null) await this.#visit(client);
  }

  #leave(client: Client): void {
    client.leaving = true;
    if (client.attempt?.kind === 'admitted') client.attempt.session.destroy();
    client.attempt = null;
  }

  #group(name: string): readonly Client[] {
    return this.#clients.get(name) ?? [];
  }

  #say(what: string): void {
    this.#timeline.push({ at: this.#fleet.clock.now() - this.#start, what });
    this.#onStep(what);
  }
}

/** A step as a line of the plan. */
export function describeStep(step: Step): string {
  const [key, value] = Object.entries(step).find(([, part]) => part !== undefined) as [string, unknown];
  if (key === 'expect') return 'check what is expected here';
  if (key === 'wait') return `wait ${Number(value) / 1_000} s`;
  if (step.roll) return `roll the servers to ${step.roll.to}, ${step.roll.batch} at a time`;
  if (step.change) return `upgrade clients ${step.change.group} to ${step.change.to}`;
  return `${key} ${Array.isArray(value) ? value.join(' and ') : String(value)}`;
}
