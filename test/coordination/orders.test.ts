/** Orders for all gates of a cluster. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Order } from '../../src/gateway/orders.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { CLUSTER, join, type Member } from './members.ts';
import { atEveryStore, memoryPlace, type Place } from './places.ts';

/** An order is heeded by all within this, if the store can be reached; ms. */
const BOUND = 3_000;

const order = (place: Place, id: string, more: Partial<Order> = {}): Order => ({
  id,
  what: 'pause',
  target: { kind: 'gate' },
  by: 'anna',
  reason: 'roll',
  at: place.clock.now(),
  until: null,
  overMs: null,
  scope: 'cluster',
  ...more,
});

const heededBy = ({ heeded }: Member) => heeded.map(({ id }) => id);
const heeds = (place: Place, one: Member, ids: readonly string[]) =>
  place.until(
    one.coordination.changes,
    () => JSON.stringify(heededBy(one)) === JSON.stringify(ids),
    `${ids} heeded, not ${heededBy(one)}`,
  );

atEveryStore((newPlace) => {
  test('an order returns once every gate heeds it, within the bound, and so does its end', async () => {
    const place = newPlace();
    const [a, b, c] = [await join(place, 'a'), await join(place, 'b'), await join(place, 'c')];
    const from = place.clock.monotonic();
    const given = order(place, 'o1');
    expect(await place.finish(a.coordination.share(given))).toBeNull();
    expect(place.clock.monotonic() - from).toBeLessThan(BOUND);
    for (const one of [a, b, c]) expect(one.heeded).toEqual([given]);
    expect(await place.finish(b.coordination.withdraw('o1'))).toBeNull();
    for (const one of [a, b, c]) expect(one.heeded).toEqual([]);
    // Taken back by two at once: nothing is left to do for the second.
    expect(await place.finish(c.coordination.withdraw('o1'))).toBeNull();
  });

  test('a gate that starts later heeds it from the start, also when everybody who knew of it is gone', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const given = order(place, 'o1', { target: { kind: 'server', id: 'rs1' }, what: 'drain' });
    await place.finish(a.coordination.share(given));
    // It dies, and all leases are over.
    a.way.cut = true;
    await place.pass(20_000);
    const b = await join(place, 'b', { start: false });
    expect(b.heeded).toEqual([]);
    await place.finish(b.coordination.start());
    expect(b.heeded).toEqual([given]);
  });

  test('a gate that does not say that it heeds the order is named', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    await place.until(a.coordination.changes, () => a.coordination.gates().length === 2, 'b');
    b.way.cut = true;
    const waitsFor = await place.finish(a.coordination.share(order(place, 'o1')));
    expect(waitsFor).toMatch(/^word that it is heeded by b \(heard of \d+ s ago\)$/);
    expect(heededBy(a)).toEqual(['o1']);
    // It is not lost for all that.
    b.way.cut = false;
    await heeds(place, b, ['o1']);
  });

  test('an order that can not be stored is given to nobody', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    a.way.cut = true;
    await expect(place.finish(a.coordination.share(order(place, 'o1')))).rejects.toThrow('the cable is out');
    expect([heededBy(a), heededBy(b)]).toEqual([[], []]);
  });

  test('orders stay in force at a gate that is cut off from the store, which says so', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    await place.finish(a.coordination.share(order(place, 'o1')));
    b.way.cut = true;
    await place.pass(20_000);
    expect(heededBy(b)).toEqual(['o1']);
    expect(b.said).toEqual(['the cable is out']);
    await place.finish(a.coordination.withdraw('o1'));
    expect(heededBy(b)).toEqual(['o1']);
    b.way.cut = false;
    await heeds(place, b, []);
    expect(b.said).toEqual(['the cable is out', null]);
  });

  test('an order with an end is of no account after it, for gates whose dates are hours apart too', async () => {
    const place = newPlace();
    const apart = place.tellsTime ? 7_200_000 : 0;
    const behind: Clock = {
      now: () => place.clock.now() - apart,
      monotonic: () => place.clock.monotonic(),
      after: (ms, act) => place.clock.after(ms, act),
    };
    const a = await join(place, 'a');
    const b = await join(place, 'b', { clock: behind });
    const until = place.clock.now() + 60_000;
    await place.finish(a.coordination.share(order(place, 'short', { until })));
    // Each gate is told the end by its own clock.
    const [known] = b.heeded;
    const left = (known?.until as number) - behind.now();
    // Clocks that differ by less than five seconds are taken for equal, and etcd tells whole ones.
    expect(Math.abs(left - 60_000)).toBeLessThan(5_500);
    await place.finish(a.coordination.share(order(place, 'over', { until: place.clock.now() - 10_000 })));
    const c = await join(place, 'c');
    expect(heededBy(c)).toEqual(['short']);
  });

  test('a store that was lost gets back what the gates go by', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    await place.finish(a.coordination.share(order(place, 'o1')));
    await place.finish(a.coordination.share(order(place, 'o2')));
    await place.plant(
      `${CLUSTER}#orders`,
      JSON.stringify({ format: 1, kind: 'orders', cluster: CLUSTER, writes: 0, orders: [] }),
    );
    await place.pass(3_000);
    expect(heededBy(a)).toEqual(['o1', 'o2']);
    const b = await join(place, 'b');
    expect(heededBy(b)).toEqual(['o1', 'o2']);
  });
});

test('whatever operators order and take back at once, at whichever gates, nobody loses an order, and all gates heed the same', async () => {
  const act = fc.record({
    at: fc.nat(2),
    what: fc.constantFrom('share', 'share', 'withdraw'),
    id: fc.constantFrom('o1', 'o2', 'o3', 'o4', 'o5'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { maxLength: 5 }),
      async (turns) => {
        const place = memoryPlace();
        const gates = [await join(place, 'a'), await join(place, 'b'), await join(place, 'c')];
        const standing = new Set<string>();
        let ids = 0;
        for (const turn of turns) {
          // All at once: an order is taken back in a later turn than it is given.
          const given: string[] = [];
          const taken = new Set<string>();
          const acts = turn.map(({ at, what, id }) => {
            const { coordination } = gates[at] as Member;
            if (what === 'share') {
              const name = `${id}-${++ids}`;
              given.push(name);
              return coordination.share(order(place, name, { by: id }));
            }
            const target = [...standing].find((name) => name.startsWith(id)) ?? 'nothing';
            taken.add(target);
            return coordination.withdraw(target);
          });
          expect(await place.finish(Promise.all(acts))).toEqual(acts.map(() => null));
          for (const name of taken) standing.delete(name);
          for (const name of given) standing.add(name);
          for (const gate of gates) expect(new Set(heededBy(gate))).toEqual(standing);
        }
      },
    ),
    { numRuns: 60 },
  );
});
