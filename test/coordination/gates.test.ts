/** What the gates of a cluster know of each other. */
import { expect, test } from 'vitest';
import type { Clock } from '../../src/ports/clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { CLUSTER, idsSeenBy, join, type Member } from './members.ts';
import { atEveryStore, type Place } from './places.ts';

const LEASE = 15_000;

const sees = (place: Place, one: Member, ids: readonly string[]) =>
  place.until(
    one.coordination.changes,
    () => JSON.stringify(idsSeenBy(one)) === JSON.stringify(ids),
    `${ids} seen, not ${idsSeenBy(one)}`,
  );

atEveryStore((newPlace) => {
  test('each gate sees all of them, as each says it is, and itself among them', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    b.says = { ...b.says, admin: 'http://10.0.0.2:8790', policyHash: 'ccc', sessions: { '4.13': 2 } };
    await place.finish(b.coordination.announce());
    await place.until(a.coordination.changes, () => a.coordination.gates()[1]?.admin != null, 'news of b');
    const [self, other] = a.coordination.gates();
    expect(self).toMatchObject({ id: 'a', isSelf: true, ageMs: 0, program: '1.2.3' });
    expect(other).toMatchObject({ ...b.says, isSelf: false });
    expect(other?.ageMs).toBeLessThan(LEASE);
    expect(a.coordination.standing.why).toBeNull();
    await sees(place, b, ['a', 'b']);
  });

  test('a gate that stops is gone for the others, long before its lease is over', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    await sees(place, a, ['a', 'b']);
    const from = place.clock.monotonic();
    await place.finish(b.coordination.stop());
    await sees(place, a, ['a']);
    expect(place.clock.monotonic() - from).toBeLessThan(LEASE / 2);
  });

  test('a gate that dies drops out after its lease, and one that goes on announcing itself does not', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    const c = await join(place, 'c');
    await sees(place, a, ['a', 'b', 'c']);
    b.way.cut = true;
    await place.pass(LEASE / 2);
    expect(idsSeenBy(a)).toEqual(['a', 'b', 'c']);
    await sees(place, a, ['a', 'c']);
    await sees(place, c, ['a', 'c']);
    // Also for one that comes later.
    const d = await join(place, 'd');
    await sees(place, d, ['a', 'c', 'd']);
  });

  test('a gate that is cut off from the store keeps what it knew and says how old that is, until it is back', async () => {
    const place = newPlace();
    const a = await join(place, 'a');
    const b = await join(place, 'b');
    await sees(place, a, ['a', 'b']);
    a.way.cut = true;
    await sees(place, b, ['b']);
    expect(idsSeenBy(a)).toEqual(['a', 'b']);
    expect(a.coordination.standing.why).toContain('the cable is out');
    expect(a.coordination.standing.ageMs).toBeGreaterThan(LEASE / 2);
    expect(b.coordination.standing.why).toBeNull();
    a.way.cut = false;
    await sees(place, b, ['a', 'b']);
    await place.until(a.coordination.changes, () => a.coordination.standing.why === null, 'a is back');
    expect(a.coordination.standing.ageMs).toBeLessThan(LEASE / 2);
    expect(idsSeenBy(a)).toEqual(['a', 'b']);
  });

  test('the process that replaces a gate of the same id is told from it', async () => {
    const place = newPlace();
    const old = await join(place, 'a');
    old.says = { ...old.says, state: 'draining' };
    await place.finish(old.coordination.announce());
    const next = await join(place, 'a');
    await sees(place, next, ['a', 'a']);
    expect(next.coordination.gates().filter(({ isSelf }) => isSelf)).toHaveLength(1);
    expect(next.coordination.gates().find(({ isSelf }) => !isSelf)?.state).toBe('draining');
    await place.finish(old.coordination.stop());
    await sees(place, next, ['a']);
    expect(next.coordination.gates()[0]?.state).toBe('serving');
  });

  test('many gates that start at once are all there', async () => {
    const place = newPlace();
    const ids = Array.from({ length: 12 }, (_, at) => `g${String(at).padStart(2, '0')}`);
    const all = await Promise.all(ids.map((id) => join(place, id, { start: false })));
    await place.finish(Promise.all(all.map(({ coordination }) => coordination.start())));
    for (const one of all) await sees(place, one, ids);
  });

  test('gates whose dates are hours apart see each other for as long as they live, and no longer', async () => {
    const place = newPlace();
    const off = (ms: number): Clock => ({
      now: () => place.clock.now() + ms,
      monotonic: () => place.clock.monotonic(),
      after: (wait, act) => place.clock.after(wait, act),
    });
    const a = await join(place, 'a', { clock: off(7_200_000) });
    const b = await join(place, 'b', { clock: off(-7_200_000) });
    await sees(place, a, ['a', 'b']);
    await sees(place, b, ['a', 'b']);
    await place.pass(LEASE + 2_000);
    expect([idsSeenBy(a), idsSeenBy(b)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    b.way.cut = true;
    await sees(place, a, ['a']);
  });

  test('what a newer program wrote is left alone, and the gate says so and goes on', async () => {
    const place = newPlace();
    const text = JSON.stringify({ format: 2, kind: 'gates', cluster: CLUSTER, gates: [] });
    await place.plant(`${CLUSTER}#gates`, text);
    const a = await join(place, 'a');
    expect(a.coordination.standing.why).toMatch(/have format 2, this program knows up to 1: run a newer/);
    expect(idsSeenBy(a)).toEqual(['a']);
    await place.finish(a.coordination.stop());
    expect((await place.open().read(`${CLUSTER}#gates`)).text).toBe(text);
  });
});

test('a date that is set by an hour makes nobody drop out', async () => {
  // The memory store's time of day is that of the gates: its clock leaps too.
  const { MemoryStore } = await import('../../src/migration/ledger/memory.ts');
  const clock = new VirtualClock();
  const store = new MemoryStore(clock);
  const place: Place = {
    tellsTime: true,
    clock,
    open: () => store,
    pass: (ms) => clock.run(ms),
    finish: (promise) => clock.until(promise),
    async until() {},
    async plant() {},
  };
  const a = await join(place, 'a');
  const b = await join(place, 'b');
  await clock.run(6_000);
  for (const ms of [3_600_000, -7_200_000]) {
    clock.step(ms);
    for (let second = 0; second < 20; second++) {
      await clock.run(1_000);
      expect([idsSeenBy(a), idsSeenBy(b)]).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
    }
  }
});
