/** Gates that are killed in mid-hook, where the hook is a module of theirs or a service that knows nothing of it. */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { HookFacts } from '../../../src/migration/hook/hook.ts';
import { Changes } from '../../../src/ports/changes.ts';
import { until } from '../../support/until.ts';
import { type FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

/** Does what `FailureScenario.hook` does, inside the gate. */
const MODULE = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const at = (name) => new URL(name, import.meta.url);
export default async ({ token, fromLevel, toLevel, key }, { signal, progress }) => {
  const about = [token, fromLevel, toLevel, key].join(' ');
  appendFileSync(at('hook.work'), 'begin ' + about + '\\n');
  progress('40% indexes');
  while (!existsSync(at('hook.go')) && existsSync(at('alive'))) await setTimeout(20, undefined, { signal });
  appendFileSync(at('hook.work'), 'end ' + about + '\\n');
};`;

/** A service that does the work of a key once, however often it is asked to, and refuses a lower token than it saw. */
class Service {
  readonly changes = new Changes();
  readonly asked: HookFacts[] = [];
  readonly begun = new Set<string>();
  /** Polls since the last POST. */
  polls = 0;
  done = false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const body = await text(request);
      if (request.method === 'POST') this.#begin(JSON.parse(body));
      else this.polls++;
      this.changes.notify();
      response.end(JSON.stringify({ state: this.done ? 'done' : 'running' }));
    });
  }

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      service.#server.closeAllConnections();
      service.#server.close();
    });
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/upgrade`;
  }

  #begin(facts: HookFacts): void {
    if (facts.token < (this.asked.at(-1)?.token ?? 0)) throw new Error(`token ${facts.token} is stale`);
    this.asked.push(facts);
    this.begun.add(facts.key);
    this.polls = 0;
  }
}

async function expectOnce(scenario: FailureScenario, token: number): Promise<void> {
  expect((await scenario.upgraded(28)).record).toMatchObject({ token, claim: null, failure: null });
  const ends = (await scenario.history()).filter(({ what }) => what === 'step-done' || what === 'done');
  expect(ends.map((end) => [end.what, end.token])).toEqual([
    ['step-done', token],
    ['done', token],
  ]);
}

onEachLedger('a gate is killed in mid-hook', (start) => {
  test('a module dies with its gate: started again, the step is run anew under a higher token and the same key, once', async () => {
    const scenario = await start({ reporting: false });
    writeFileSync(scenario.file('hook.mjs'), MODULE);
    const migration = { baseline: '4.13.0', hook: { module: 'hook.mjs' } };
    const first = await scenario.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.worked(1);
    await first.kill();
    expect(await cut).toBe('ConnectError');
    const second = await scenario.process({ migration });
    const client = second.connect('4.14.0');
    await scenario.worked(2);
    scenario.letGo();
    const session = await client;
    expect(session.schemaLevel).toBe(28);
    const work = scenario.work().map((line) => line.split(' '));
    expect(work.map(([what, token]) => [what, token])).toEqual([
      ['begin', '1'],
      ['begin', '2'],
      ['end', '2'],
    ]);
    expect(new Set(work.map((words) => words.at(-1)))).toEqual(
      new Set([`${scenario.cluster}/1/27-28/4.14.0`]),
    );
    await expectOnce(scenario, 2);
    session.destroy();
  });

  test('a service goes on without the gate: started again, the gate asks for the same key under a higher token, and the work is done once', async () => {
    const scenario = await start({ reporting: false });
    const service = await Service.start();
    const migration = { baseline: '4.13.0', hook: { http: service.url } };
    const first = await scenario.process({ migration: { ...migration, lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await until(service.changes, () => service.polls > 0, 'the first poll', 15_000);
    await first.kill();
    expect(await cut).toBe('ConnectError');
    // The work ends while no gate is there to be told.
    service.done = true;
    const second = await scenario.process({ migration });
    const session = await second.connect('4.14.0');
    expect(session.schemaLevel).toBe(28);
    expect(service.asked.map(({ token, attempt }) => [token, attempt])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(service.begun).toEqual(new Set([`${scenario.cluster}/1/27-28/4.14.0`]));
    await expectOnce(scenario, 2);
    session.destroy();
  });
});
