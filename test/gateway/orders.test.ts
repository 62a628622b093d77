/** The list of orders, ranges of releases, and sessions that end over a time: on their own, and under random orders. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClientRange } from '../../src/config/client-range.ts';
import { Ending } from '../../src/gateway/ending.ts';
import { MAX_ORDERS, type Order, Orders, type Target } from '../../src/gateway/orders.ts';
import { SessionRegistry } from '../../src/gateway/sessions.ts';
import { Slots } from '../../src/gateway/slots.ts';
import type { End } from '../../src/relay/relay.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { parseVersion } from '../../src/version/version.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';

const GATE: Target = { kind: 'gate' };

function orderOf(id: string, more: Partial<Order> = {}): Order {
  const common = { what: 'pause', target: GATE, by: 'ann', reason: '', at: 0, scope: 'gate' } as const;
  return { ...common, id, until: null, overMs: null, ...more };
}

describe('orders', () => {
  function listOf() {
    const clock = new VirtualClock(0);
    const lapsed: string[] = [];
    const orders = new Orders(clock, ({ id }) => lapsed.push(id));
    return { clock, orders, lapsed, ids: () => orders.list().map(({ id }) => id) };
  }

  test('end in their time, one after the other, with one timer for all, and are told of once', async () => {
    const { clock, orders, lapsed, ids } = listOf();
    for (const [id, until] of [
      ['c', 3_000],
      ['a', 1_000],
      ['b', 2_000],
    ] as const)
      orders.add(orderOf(id, { until }));
    orders.add(orderOf('d'));
    expect(clock.pending).toBe(1);
    expect(orders.pause?.id).toBe('d');
    await clock.run(1_999);
    expect([lapsed, ids()]).toEqual([['a'], ['c', 'b', 'd']]);
    await clock.run(10_000);
    expect([lapsed, ids(), clock.pending]).toEqual([['a', 'b', 'c'], ['d'], 0]);
  });

  test('end in time though the date is set meanwhile', async () => {
    const { clock, orders, ids } = listOf();
    orders.add(orderOf('a', { until: 60_000 }));
    clock.step(-3_600_000);
    await clock.run(59_999);
    expect(ids()).toEqual(['a']);
    await clock.run(2);
    expect(ids()).toEqual([]);
  });

  test('of all gates come and go with the store, beside those of this one, and a change is told once', () => {
    const { orders, ids } = listOf();
    orders.add(orderOf('mine', { at: 5 }));
    const told = orders.changes.count;
    const shared = [
      orderOf('one', { at: 1, scope: 'cluster' }),
      orderOf('over', { until: 0, scope: 'cluster' }),
    ];
    orders.setShared(shared);
    orders.setShared(shared.map((order) => ({ ...order })));
    expect([ids(), orders.changes.count]).toEqual([['one', 'mine'], told + 1]);
    orders.remove('one');
    expect(ids()).toEqual(['one', 'mine']);
    orders.setShared([]);
    orders.remove('mine');
    expect(ids()).toEqual([]);
  });

  test('with a range that this gate can not read does not keep it from heeding the others', () => {
    const { orders, ids } = listOf();
    const target: Target = { kind: 'clients', range: 'all of the old ones' };
    orders.setShared([
      orderOf('odd', { what: 'drain', target, scope: 'cluster' }),
      orderOf('good', { scope: 'cluster' }),
    ]);
    expect([ids(), orders.pause?.id]).toEqual([['good'], 'good']);
  });

  test('are bounded', () => {
    const { orders } = listOf();
    for (let at = 0; at < MAX_ORDERS; at++) orders.add(orderOf(`o${at}`));
    expect(() => orders.add(orderOf('more'))).toThrow(expect.objectContaining({ name: 'TooManyOrders' }));
    orders.setShared([orderOf('shared', { scope: 'cluster' })]);
    expect(orders.list()).toHaveLength(MAX_ORDERS);
  });
});

test('a range of releases is one of semver, in which a qualifier counts for nothing', () => {
  const cases: [string, string[], string[]][] = [
    ['<4.14', ['4.13.9', '4.13.0-HBase-1.4', '3.9.9'], ['4.14.0', '4.14.0-HBase-1.4', '5.0.0']],
    ['4.12.x', ['4.12.0', '4.12.7-cdh5.14.2'], ['4.11.9', '4.13.0']],
    ['>=4.10 <4.12 || 5.0', ['4.10.0', '4.11.9', '5.0.3'], ['4.12.0', '5.1.0']],
    ['4.14.1', ['4.14.1', '4.14.1-SNAPSHOT'], ['4.14.0', '4.14.2']],
  ];
  for (const [text, within, without] of cases) {
    const isIn = parseClientRange(text);
    expect(within.filter((version) => !isIn(parseVersion(version)))).toEqual([]);
    expect(without.filter((version) => isIn(parseVersion(version)))).toEqual([]);
  }
});

describe('sessions that end over a time', () => {
  /** Open sessions whose relays do nothing, of these client releases. */
  function open(clock: VirtualClock, versions: readonly string[], onEnd = () => {}) {
    const ended: string[] = [];
    const faults: string[] = [];
    const sessions = new SessionRegistry({
      clock,
      slots: new Slots(versions.length),
      onEnd({ session }) {
        ended.push(session);
        onEnd();
      },
      onFault: ({ message }) => faults.push(message),
    });
    const relays = versions.map((client, at) => {
      let tell: (end: End) => void = () => {};
      const end = (reason: End['reason']) => queueMicrotask(() => tell({ reason, error: null }));
      const relay = {
        ...{ fromClient: 0, fromServer: 0, close: end },
        whenOver(listener: (end: End) => void) {
          tell = listener;
        },
      };
      sessions.slots.acquire();
      const start = {
        session: `${at}`,
        client,
        driver: '',
        properties: {},
        identity: null,
        peer: '',
        listener: '',
        server: 's1',
      };
      const version = parseVersion(client);
      const initiator = { connection: '', version, driver: '', name: null, identity: '' };
      sessions.begin(start, { facts: { version, upgrade: 'may' }, initiator }, relay);
      return { end };
    });
    return { sessions, ended, faults, relays };
  }

  const close = { reason: 'drained', code: 'DRAINING', message: 'Go.' } as const;

  test('ten thousand cost one timer and two looks at the list, and end evenly', async () => {
    const clock = new VirtualClock();
    const { sessions, ended } = open(
      clock,
      Array.from({ length: 10_000 }, (_, at) => `4.${at % 5}.0`),
    );
    let looks = 0;
    const isMeant = () => ++looks > 0;
    const ending = new Ending({ sessions, clock, isMeant, overMs: 600_000, closeFor: () => close });
    expect(clock.pending).toBe(1);
    for (let minute = 1; minute <= 10; minute++) {
      await clock.run(60_000);
      expect(clock.pending).toBeLessThanOrEqual(1);
      expect(Math.abs(ended.length - minute * 1_000)).toBeLessThanOrEqual(1);
    }
    await clock.run(20);
    expect([ended.length, ending.left, ending.isOver, clock.pending]).toEqual([10_000, 0, true, 0]);
    expect(looks).toBe(10_000);
    const releases = ended.map((id) => Number(id) % 5);
    expect(releases).toEqual(releases.toSorted((a, b) => a - b));
  });

  test('those that end by themselves count, and their turns stay empty', async () => {
    const clock = new VirtualClock();
    const { sessions, ended, relays } = open(clock, ['4.0.0', '4.0.1', '4.0.2', '4.0.3']);
    const ending = new Ending({ sessions, clock, isMeant: () => true, overMs: 4_000, closeFor: () => close });
    relays[1]?.end('client-gone');
    await clock.run(2_900);
    expect([ended, ending.left]).toEqual([['1', '0'], 2]);
    relays[2]?.end('client-gone');
    relays[3]?.end('client-gone');
    await clock.run(1);
    expect([ending.isOver, clock.pending]).toEqual([true, 0]);
  });

  test('a fault in telling of one keeps neither the others nor the operator waiting', async () => {
    const clock = new VirtualClock();
    const { sessions, faults } = open(clock, ['4.0.0', '4.0.1'], () => {
      throw new Error('the log is on fire');
    });
    const ending = new Ending({ sessions, clock, isMeant: () => true, overMs: 100, closeFor: () => close });
    await clock.run(200);
    expect([ending.isOver, ending.left, faults.length]).toEqual([true, 0, 2]);
  });

  test('one that begins just as the others are told to end is ended too', async () => {
    const clock = new VirtualClock();
    const { sessions, ended } = open(clock, ['4.0.0', '4.0.1']);
    let hides = true;
    const isMeant = ({ session }: { session: string }) => session === '0' || !hides;
    const ending = new Ending({ sessions, clock, isMeant, overMs: 1_000, closeFor: () => close });
    expect(ending.total).toBe(1);
    hides = false;
    await clock.run(1_100);
    expect([ended, ending.isOver]).toEqual([['0', '1'], true]);
  });
});

describe('whatever operators order, and whenever', () => {
  const s1: Target = { kind: 'server', id: 's1' };
  const old: Target = { kind: 'clients', range: '<4.14' };
  const target = fc.constantFrom(s1, old, GATE);
  const forMs = fc.constantFrom(null, 500, 3_000);
  const come = fc.record({
    do: fc.constant('come' as const),
    version: fc.constantFrom('4.13.0', '4.14.0', '4.14.1'),
  });
  const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 3, 200, 2_000) });
  const order = fc.oneof(
    fc.record({ do: fc.constant('pause' as const), forMs }),
    fc.record({ do: fc.constant('resume' as const) }),
    fc.record({ do: fc.constant('drain' as const), target, forMs, overMs: fc.constantFrom(0, 700, null) }),
    fc.record({ do: fc.constant('undrain' as const), target }),
  );
  const step = fc.oneof(
    { weight: 2, arbitrary: order },
    { weight: 3, arbitrary: come },
    { weight: 3, arbitrary: wait },
  );

  test('nobody is admitted against it, and once all is taken back everybody is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const world = virtualEnvironment();
        await using fleet = await startFleet(world, {
          servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
          timeouts: { hold: '60s' },
        });
        const { operations, orders } = fleet.gate;
        const wrong: string[] = [];
        fleet.log.onLine = ({ event, verdict, server, client }) => {
          if (event !== 'handshake' || verdict !== 'permit') return;
          const drained = orders.list().filter(({ what }) => what === 'drain');
          if (orders.pause !== null) wrong.push(`${client} while paused`);
          for (const { target } of drained)
            if (
              target.kind === 'gate' ||
              (target.kind === 'server' && target.id === server) ||
              (target.kind === 'clients' && client.startsWith('4.13'))
            )
              wrong.push(`${client} on ${server} against ${JSON.stringify(target)}`);
        };
        const asked = { by: 'ann', reason: 'because' };
        const coming: Promise<unknown>[] = [];
        for (const { do: verb, ...value } of steps) {
          if (verb === 'wait') await world.clock.run((value as { ms: number }).ms);
          else if (verb === 'come') {
            const { version } = value as { version: string };
            coming.push(
              fleet.connect(version).then(
                (session) => session.resume(),
                () => null,
              ),
            );
          } else void operations[verb]({ ...asked, ...value } as never);
        }
        await operations.resume(asked);
        for (const target of [s1, old, GATE]) await operations.undrain({ ...asked, target });
        expect(wrong).toEqual([]);
        expect(fleet.gate.status()).toMatchObject({
          state: 'serving',
          servers: [{ state: 'up' }, { state: 'up' }],
        });
        await world.clock.run(10_000);
        await Promise.all(coming);
        for (const version of ['4.13.0', '4.14.0', '4.14.1']) (await fleet.admit(version)).destroy();
        expect(wrong).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });
});
