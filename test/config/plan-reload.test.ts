import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { planReload } from '../../src/config/plan-reload.ts';
import { configSchema } from '../../src/config/schema.ts';

type Input = z.input<typeof configSchema>;

const BASE: Input = {
  listen: [{ tcp: '127.0.0.1:8700' }],
  servers: [{ id: 'rs1', address: 'tcp://127.0.0.1:9001' }],
};
const plan = (from: Partial<Input>, to: Partial<Input>) =>
  planReload(configSchema.parse({ ...BASE, ...from }), configSchema.parse({ ...BASE, ...to }));
const sentences = (from: Partial<Input>, to: Partial<Input>) => {
  const { changes, refused } = plan(from, to);
  expect(refused).toEqual([]);
  return changes.map(({ sentence }) => sentence);
};

const port = fc.integer({ min: 1, max: 5 });
const release = fc.constantFrom('4.13.1', '4.14.0', '4.15.2');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const listener = fc.record({
  tcp: fc.oneof(port, fc.constant(0)).map((n) => `h:${n}`),
  assume: maybe(release),
});
const server = fc.record({
  id: fc.constantFrom('a', 'b', 'c.d', '__proto__', 'constructor'),
  address: port.map((n) => `tcp://h:${n}`),
  version: maybe(fc.oneof(release, fc.constant({ command: ['x'] }))),
});
/** Configs of a few values, so that two of them are often equal in parts. */
const config = fc
  .record({
    id: maybe(fc.constantFrom('g', 'h')),
    cluster: fc.constantFrom('main', 'other'),
    workers: fc.constantFrom(1, 2),
    listen: fc.uniqueArray(listener, {
      minLength: 1,
      maxLength: 4,
      selector: ({ tcp }) => (tcp === 'h:0' ? Symbol() : tcp),
    }),
    servers: fc.uniqueArray(server, { minLength: 1, maxLength: 4, selector: ({ id }) => id }),
    policy: fc.record({
      preset: fc.constantFrom('phoenix' as const, 'kubernetes' as const, 'ranges' as const),
    }),
    catalogue: maybe(
      fc.record({
        releases: fc.uniqueArray(fc.record({ version: release, level: maybe(fc.nat(3)) }), {
          selector: ({ version }) => version,
        }),
      }),
    ),
    limits: fc.record({ sessions: fc.integer({ min: 1, max: 3 }) }),
    timeouts: fc.record({ drain: fc.constantFrom('1s', '2s') }),
    log: fc.record({
      file: maybe(fc.constantFrom('x', 'y')),
      trace: fc.constantFrom('all' as const, 'none' as const),
    }),
    migration: fc.record({ ledger: fc.constantFrom('memory:', 'sqlite:x.db'), baseline: maybe(release) }),
    relay: fc.constantFrom('auto' as const, 'streams' as const),
  })
  .map((input) => configSchema.parse(JSON.parse(JSON.stringify(input))));

const keysOf = ({ changes, refused }: ReturnType<typeof planReload>) =>
  [...changes, ...refused].map(({ key }) => key).sort();

describe('a plan of a reload', () => {
  test('to the same config is nothing', () => {
    fc.assert(
      fc.property(config, (one) => {
        expect(planReload(one, structuredClone(one))).toEqual({ changes: [], refused: [] });
      }),
    );
  });

  test('there and back names the same keys', () => {
    fc.assert(
      fc.property(config, config, (one, other) => {
        expect(keysOf(planReload(other, one))).toEqual(keysOf(planReload(one, other)));
      }),
    );
  });

  test('has something to say exactly where two configs differ, and says nothing twice', () => {
    fc.assert(
      fc.property(config, config, (one, other) => {
        const { changes, refused } = planReload(one, other);
        expect(changes.length + refused.length > 0).toBe(JSON.stringify(one) !== JSON.stringify(other));
        const said = [
          ...changes.map(({ sentence }) => sentence),
          ...refused.map(({ key, why }) => key + why),
        ];
        expect(new Set(said).size).toBe(said.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test('refuses whatever the gate was started by, and never offers it as a change', () => {
    fc.assert(
      fc.property(config, config, (one, other) => {
        const { changes, refused } = planReload(one, other);
        const fixed = /^(id|cluster|workers|relay|migration)/;
        expect(changes.filter(({ key }) => fixed.test(key))).toEqual([]);
        const refusedKeys = refused.map(({ key }) => key);
        for (const key of ['id', 'cluster', 'workers', 'relay'] as const)
          expect(refusedKeys.includes(key)).toBe(one[key] !== other[key]);
        expect(refusedKeys.includes('migration.ledger')).toBe(
          one.migration.ledger !== other.migration.ledger,
        );
      }),
    );
  });
});

test('each difference is a sentence with its key, old and new', () => {
  expect(
    sentences(
      { limits: { sessions: 100 }, timeouts: { drain: '1s' }, policy: { preset: 'phoenix' } },
      { limits: { sessions: 200 }, timeouts: { drain: '2s' }, policy: { preset: 'phoenix', window: 3 } },
    ).sort(),
  ).toEqual([
    'limits.sessions: 100 to 200',
    'policy.window: none to 3',
    'timeouts.drain: 1000 ms to 2000 ms',
  ]);
});

test('servers and listeners are told by name, wherever they stand in the file', () => {
  const [one, two, three] = [1, 2, 3].map((at) => ({ id: `rs${at}`, address: `tcp://h:900${at}` }));
  if (!one || !two || !three) throw new Error('there are three');
  expect(sentences({ servers: [one, two] }, { servers: [{ ...two, address: 'tcp://h:1' }, three] })).toEqual([
    'servers.rs1: removed; its sessions go on',
    'servers.rs2.address: tcp://h:9002 to tcp://h:1',
    'servers.rs3: added',
  ]);
  expect(sentences({ servers: [one, two] }, { servers: [two, one] })).toEqual(['servers: in another order']);
  expect(
    sentences(
      { listen: [{ tcp: 'h:1', assume: '4.13.1' }] },
      { listen: [{ tcp: 'h:1', assume: '4.14.0' }, { ws: 'h:2' }] },
    ),
  ).toEqual(['listen.tcp://h:1.assume: 4.13.1 to 4.14.0', 'listen.ws://h:2: added']);
});

test('what a program or URL of a version is may hold a secret, and is not said', () => {
  const served = (http: string) => ({ servers: [{ id: 'rs1', address: 'tcp://h:1', version: { http } }] });
  const said = sentences(served('http://user:hunter1@h/'), BASE);
  expect(said.join()).not.toContain('hunter1');
});

test('what takes a restart is refused with the reason, key by key', () => {
  const { refused } = plan(
    { id: 'a', cluster: 'main', workers: 1, migration: { ledger: 'sqlite:a.db', lease: '1s' } },
    { id: 'b', cluster: 'other', workers: 2, migration: { ledger: 'sqlite:b.db', lease: '2s' } },
  );
  expect(refused.map(({ key }) => key).sort()).toEqual([
    'cluster',
    'id',
    'migration.lease',
    'migration.ledger',
    'workers',
  ]);
  for (const { why } of refused) expect(why).toMatch(/^takes a restart: ./);
});

test('a policy that has system tables, or no longer has them, takes a restart; so does a log that is a file, or no longer one', () => {
  expect(plan({}, { policy: { preset: 'kubernetes' } }).refused).toEqual([
    { key: 'policy', why: expect.stringContaining('system tables') },
  ]);
  expect(plan({}, { log: { file: 'x' } }).refused).toEqual([
    { key: 'log.file', why: expect.stringContaining('file') },
  ]);
  expect(plan({ log: { file: 'x' } }, { log: { file: 'y' } }).refused).toEqual([]);
});
