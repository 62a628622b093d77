/** What a gate's metrics say: of handshakes, servers, the upgrade and the ledger, under the names of the table. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hashOfToken } from '../../src/config/clients.ts';
import { createReload } from '../../src/gateway/reload.ts';
import { METRICS, type MetricFacts } from '../../src/metrics/catalogue.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import { LedgerUnavailable, wrapStore } from '../../src/migration/ledger/store.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { dialRaw } from '../support/raw-client.ts';
import { Scrape, startMetered } from './support.ts';

const TOKEN = 'sg_0123456789abcdefghijklmnopqrstuvwxyz';
const KNOWN = { clients: { tokens: [{ name: 'shop', hash: hashOfToken(TOKEN) }], required: false } };
const OWN = Object.entries<MetricFacts>(METRICS);

describe('a scrape', () => {
  test('has every metric of the table with its type, sentence and labels, and none of its own beside them', async () => {
    await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }], ...KNOWN });
    const session = await metered.fleet.admit('4.13.2', { token: TOKEN });
    session.destroy();
    await metered.fleet.refuse('4.15.0');
    await metered.fleet.idle();
    const { text, samples } = await metered.scrape();
    for (const [name, { type, help }] of OWN) {
      expect(text).toContain(`# HELP ${name} ${help}\n`);
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
    }
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    expect(families.filter((name) => name.startsWith('skewgate_'))).toHaveLength(OWN.length);
    expect(families.filter((name) => !/^(?:skewgate|process|nodejs)_/.test(name))).toEqual([]);
    const seen = new Map<string, Set<string>>();
    for (const key of samples.keys()) {
      const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})?$/s.exec(key) ?? [];
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
      seen.set(name, new Set([...(seen.get(name) ?? []), ...names]));
    }
    for (const [name, { type, labels }] of OWN) {
      const expected = type === 'histogram' ? [...labels, 'le'] : labels;
      expect([...(seen.get(name) ?? [])].sort(), name).toEqual([...expected].sort());
    }
  });

  test('counts clients that are known by what the config calls them, and nobody by what they say', async () => {
    await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }], ...KNOWN });
    const session = await metered.fleet.admit('4.13.2', { token: TOKEN });
    (await metered.fleet.admit('4.13.2', { query: 'name=anybody' })).destroy();
    await metered.fleet.refuse('4.15.0', { token: TOKEN });
    await metered.fleet.refuse('4.13.2', { token: `${TOKEN}-wrong` });
    const scrape = await metered.scrape();
    expect(scrape.of('skewgate_identity_handshakes_total')).toEqual({
      'identity="shop",by="token",verdict="permit"': 1,
      'identity="shop",by="token",verdict="refuse"': 1,
    });
    expect(scrape.of('skewgate_identity_sessions')).toEqual({ 'identity="shop"': 1 });
    expect(scrape.text).not.toMatch(/anybody|sg_/);
    session.destroy();
    await metered.fleet.idle();
    expect((await metered.scrape()).of('skewgate_identity_sessions')).toEqual({ 'identity="shop"': 0 });
  });

  test('has what dashboards expect of a process, and nothing that lists every socket', async () => {
    await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }] });
    const scrape = await metered.scrape();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
      'process_open_fds',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_lag_seconds',
      'nodejs_version_info',
    ])
      expect(Object.keys(scrape.of(name)), name).toHaveLength(1);
    expect(scrape.of('process_open_fds')['']).toBeGreaterThan(3);
    expect(scrape.text).not.toMatch(/nodejs_active_(?:handles|requests|resources)/);
  });

  test('of a gate that is not built yet has no numbers of it, and is no failure', async () => {
    const metrics = createMetrics({ clock: virtualEnvironment().clock, program: '1.2.3' });
    const text = await metrics.text();
    metrics.close();
    expect(text).toContain('# TYPE skewgate_server_up gauge\n');
    expect(text).not.toMatch(/^skewgate_server_up/m);
  });

  test('belongs to its gate alone: two in one process do not mix', async () => {
    const options = { servers: [{ version: '4.14.0' }] };
    await using one = await startMetered(realEnvironment, options);
    await using other = await startMetered(realEnvironment, options);
    await one.fleet.refuse('4.15.0');
    expect((await one.scrape()).sum('skewgate_decisions_total')).toBe(1);
    expect((await other.scrape()).sum('skewgate_decisions_total')).toBe(0);
  });
});

describe('handshakes', () => {
  test('are counted by listener, verdict, code and line; lines that no catalogue has are one', async () => {
    const world = virtualEnvironment();
    await using metered = await startMetered(world, { servers: [{ version: '4.14.0' }] });
    const { fleet } = metered;
    (await fleet.admit('4.13.2')).destroy();
    (await fleet.admit('4.13.0-HBase-1.4')).destroy();
    await fleet.refuse('4.15.0');
    for (let minor = 0; minor < 50; minor++) await fleet.refuse(`9.${minor}.7`);
    (await dialRaw(world, fleet.address())).connection.send(Buffer.from('nonsense, and more'));
    await world.clock.run(100);
    const listener = fleet.address();
    const labels = (verdict: string, code: string, line: string) =>
      `listener="${listener}",verdict="${verdict}",code="${code}",client_line="${line}"`;
    expect((await metered.scrape()).of('skewgate_decisions_total')).toEqual({
      [labels('permit', 'PERMITTED', '4.13')]: 2,
      [labels('refuse', 'SERVER_OUTDATED', '4.15')]: 1,
      [labels('refuse', 'SERVER_OUTDATED', 'other')]: 50,
      [labels('refuse', 'BAD_HANDSHAKE', 'none')]: 1,
    });
  });

  test('take the time that they took, in seconds and by phase, and held ones are counted while they wait', async () => {
    const world = virtualEnvironment({ latency: 1 });
    await using metered = await startMetered(world, { servers: [{ version: '4.14.0' }] });
    const { fleet } = metered;
    (await fleet.admit('4.14.0')).destroy();
    const quick = await metered.scrape();
    expect(quick.of('skewgate_handshake_seconds_count')).toEqual({
      'phase="hello"': 1,
      'phase="dial"': 1,
      'phase="total"': 1,
    });
    expect(quick.of('skewgate_hold_seconds_count')).toEqual({ '': 0 });
    await fleet.server(0).stop();
    const coming = fleet.connect('4.14.0');
    await world.clock.run(20_000);
    const held = await metered.scrape();
    expect(held.of('skewgate_held_clients')).toEqual({
      'for="upgrade"': 0,
      'for="server"': 1,
      'for="operator"': 0,
    });
    expect(held.of('skewgate_server_up')).toEqual({ 'server="s1"': 0 });
    expect(held.of('skewgate_server_info')).toEqual({ 'server="s1",version="4.14.0"': 1 });
    await fleet.server(0).restart();
    (await world.finish(coming)).destroy();
    const done = await metered.scrape();
    expect(done.sum('skewgate_held_clients')).toBe(0);
    const heldMs = fleet.log.handshakes.at(-1)?.phases.heldMs;
    expect(done.of('skewgate_hold_seconds_sum')['']).toBeCloseTo(heldMs / 1_000, 6);
    const total = fleet.log.handshakes.reduce((sum, record) => sum + record.phases.totalMs, 0);
    expect(done.of('skewgate_handshake_seconds_sum')['phase="total"']).toBeCloseTo(total / 1_000, 6);
  });
});

test('servers and their sessions are those of the moment; a server that never answered has no version', async () => {
  const world = virtualEnvironment();
  await using metered = await startMetered(world, {
    servers: [{ version: '4.14.0' }],
    others: [{ id: 'gone', address: 'tcp://127.0.0.1:1' }],
    policy: { preset: 'phoenix', scope: 'server' },
  });
  const session = await metered.fleet.admit('4.14.0');
  await turn();
  const scrape = await metered.scrape();
  expect(scrape.of('skewgate_server_sessions')).toEqual({ 'server="s1"': 1, 'server="gone"': 0 });
  expect(scrape.of('skewgate_server_info')).toEqual({
    'server="s1",version="4.14.0"': 1,
    'server="gone",version="unknown"': 1,
  });
  expect(scrape.of('skewgate_server_up')).toEqual({ 'server="s1"': 1, 'server="gone"': 0 });
  session.destroy();
  await world.clock.run(100);
  expect((await metered.scrape()).sum('skewgate_server_sessions')).toBe(0);
});

describe('the upgrade and its ledger', () => {
  const on = (states: Record<string, number>) => Object.keys(states).filter((state) => states[state] === 1);

  test('are told while it runs, and when it is over', async () => {
    const world = virtualEnvironment();
    await using metered = await startMetered(world, {
      servers: [{ version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 20_000 }],
    });
    const idle = await metered.scrape();
    expect(on(idle.of('skewgate_upgrade_state'))).toEqual(['state="idle"']);
    expect(Object.keys(idle.of('skewgate_upgrade_state'))).toHaveLength(6);
    expect(idle.of('skewgate_ledger_up')).toEqual({ '': 1 });
    const coming = metered.fleet.connect('4.14.0');
    await world.clock.run(12_000);
    const running = await metered.scrape();
    expect(on(running.of('skewgate_upgrade_state'))).toEqual(['state="running"']);
    expect(running.of('skewgate_upgrade_progress')['']).toBeGreaterThan(0);
    expect(running.of('skewgate_upgrade_progress')['']).toBeLessThan(1);
    expect(running.of('skewgate_held_clients')['for="upgrade"']).toBe(1);
    (await world.finish(coming)).destroy();
    const done = await metered.scrape();
    expect(on(done.of('skewgate_upgrade_state'))).toEqual(['state="idle"']);
    expect(done.of('skewgate_upgrade_progress')).toEqual({ '': 0 });
    const requests = done.of('skewgate_ledger_request_seconds_count');
    expect(Object.keys(requests)).toEqual(['op="read"', 'op="swap"', 'op="renew"', 'op="history"']);
    expect(requests['op="read"']).toBeGreaterThan(10);
    expect(requests['op="swap"']).toBeGreaterThan(1);
    expect(requests['op="renew"']).toBeGreaterThan(0);
  });

  test('a ledger out of reach is down, and requests to it are timed all the same', async () => {
    const world = virtualEnvironment();
    const store = new MemoryStore(world.clock);
    let isDown = false;
    await using metered = await startMetered(world, {
      servers: [{ version: '4.14.0' }],
      store: wrapStore(store, {
        read: async (cluster) => {
          if (isDown) throw new LedgerUnavailable('the network is gone');
          return store.read(cluster);
        },
      }),
    });
    const before = await metered.scrape();
    isDown = true;
    await world.clock.run(5_000);
    const after = await metered.scrape();
    expect(after.of('skewgate_ledger_up')).toEqual({ '': 0 });
    expect(on(after.of('skewgate_upgrade_state'))).toEqual(['state="unavailable"']);
    const reads = (scrape: Scrape) => scrape.of('skewgate_ledger_request_seconds_count')['op="read"'];
    expect(reads(after)).toBeGreaterThan(reads(before) as number);
  });

  test('a policy without system tables has no ledger that could be up', async () => {
    await using metered = await startMetered(virtualEnvironment(), {
      servers: [{ version: '4.14.0' }],
      policy: { preset: 'phoenix', systemTables: false },
    });
    const scrape = await metered.scrape();
    expect(scrape.of('skewgate_ledger_up')).toEqual({});
    expect(on(scrape.of('skewgate_upgrade_state'))).toEqual(['state="idle"']);
  });
});

test('records that the log lost are counted', async () => {
  await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }] });
  expect((await metered.scrape()).of('skewgate_log_lost_total')).toEqual({ '': 0 });
  metered.metrics.attach({ ...metered.fleet.built, log: { lostInAll: 7 } });
  expect((await metered.scrape()).of('skewgate_log_lost_total')).toEqual({ '': 7 });
});

test('reloads are counted by what came of them, from 0 on', async () => {
  await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }] });
  const { config, reconfiguration, events } = metered.fleet.built;
  const reloads = async () => (await metered.scrape()).of('skewgate_reloads_total');
  expect(await reloads()).toEqual({ 'outcome="applied"': 0, 'outcome="refused"': 0 });
  const next = [
    { ...config, limits: { ...config.limits, sessions: 7 } },
    { ...config, id: 'another' },
  ];
  const read = async () => next.shift() ?? config;
  const reload = createReload({ read, running: reconfiguration, events });
  await reload({ by: 'ada', reason: 'a try', dryRun: true });
  expect(await reloads()).toEqual({ 'outcome="applied"': 0, 'outcome="refused"': 0 });
  await reload({ by: 'ada', reason: 'a mistake' });
  await reload({ by: 'ada', reason: 'for real' });
  expect(await reloads()).toEqual({ 'outcome="applied"': 1, 'outcome="refused"': 1 });
});

test('the delay of the event loop is measured ten times a second until the metrics are closed', async () => {
  const world = virtualEnvironment();
  const { fleet, metrics } = await startMetered(world, { servers: [{ version: '4.14.0' }] });
  const before = new Scrape(await metrics.text()).of('skewgate_event_loop_delay_seconds_count')[''] ?? 0;
  await world.clock.run(1_000);
  const scrape = new Scrape(await metrics.text());
  metrics.close();
  await world.clock.run(1_000);
  const after = new Scrape(await metrics.text());
  expect(after.of('skewgate_event_loop_delay_seconds_count')[''] ?? 0).toBe(before + 10);
  await fleet[Symbol.asyncDispose]();
  expect(scrape.of('skewgate_event_loop_delay_seconds_count')['']).toBe(before + 10);
  expect(scrape.of('skewgate_event_loop_delay_seconds_sum')['']).toBeCloseTo(0, 6);
});

test('what this gate is stands in its build: version and the policy that it decides by', async () => {
  await using metered = await startMetered(realEnvironment, { servers: [{ version: '4.14.0' }] });
  const { policyHash } = metered.fleet.built.settings;
  expect((await metered.scrape()).of('skewgate_build_info')).toEqual({
    [`version="1.2.3",policy="${policyHash}"`]: 1,
  });
});
