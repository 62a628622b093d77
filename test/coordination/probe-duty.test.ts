/** One gate of a cluster asks the servers, and all know what it found. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Moments } from '../../src/coordination/findings.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { atEtcd, atVirtualStores, memoryPlace, type Place } from './places.ts';
import { DIAL, PROBE, type ProbingGate, serversAt } from './probing.ts';

/** ms within which another gate probes, once a prober died. */
const TAKEOVER = 7_000;
/** Older than this, nothing is decided by what a gate knows; ms. */
const STALE = 2 * (PROBE + DIAL);

/** Waits by the clock alone. */
const eventually = async (place: Place, condition: () => boolean, what: string, limit = 60_000) => {
  for (const from = place.clock.monotonic(); !condition(); await place.pass(100))
    if (place.clock.monotonic() - from > limit) throw new Error(`not within ${limit} ms: ${what}`);
};

const known = (gates: readonly ProbingGate[]) => gates.map((gate) => gate.knows('s1'));

atVirtualStores((newPlace) => {
  test('of three gates one asks, and all know within a round what it found', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    const gates = [await servers.gate('a'), await servers.gate('b'), await servers.gate('c')];
    await place.pass(2 * PROBE);
    const from = place.clock.monotonic();
    await place.pass(3 * PROBE);
    expect(servers.askedSince(from)).toEqual(['a']);
    for (const { cluster, coordination } of gates) {
      expect(cluster.isStale(STALE)).toBe(false);
      expect(coordination.prober?.gate).toBe('a');
    }
    servers.versions.set('s1', '4.15.0');
    const news = place.clock.monotonic();
    await eventually(place, () => known(gates).every((version) => version === '4.15.0'), 'all know');
    expect(place.clock.monotonic() - news).toBeLessThan(PROBE + 2_500);
    expect(servers.askedSince(from)).toEqual(['a']);
    // The log of each gate tells what it goes by, once.
    const told = servers.told.filter((line) => line.endsWith('4.15.0')).sort();
    expect(told).toEqual(['a: up 4.15.0', 'b: up 4.15.0', 'c: up 4.15.0']);
  });

  test('when the prober dies another one takes its place, one alone, before anything gets too old', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    const [a, b, c] = [await servers.gate('a'), await servers.gate('b'), await servers.gate('c')] as const;
    await place.pass(2.5 * PROBE);
    a.die();
    const isTaken = () => b.coordination.prober !== null && b.coordination.prober.gate !== 'a';
    for (let waited = 0; !isTaken(); waited += 500) {
      expect(waited).toBeLessThan(TAKEOVER);
      await place.pass(500);
      expect([b.cluster.isStale(STALE), c.cluster.isStale(STALE)]).toEqual([false, false]);
    }
    await place.pass(PROBE);
    const later = place.clock.monotonic();
    servers.versions.set('s1', '4.15.0');
    await place.pass(3 * PROBE);
    expect(servers.askedSince(later)).toHaveLength(1);
    expect(known([b, c])).toEqual(['4.15.0', '4.15.0']);
  });

  test('when the prober stops another one takes its place at once', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    const [a, b] = [await servers.gate('a'), await servers.gate('b')] as const;
    await place.pass(2 * PROBE);
    a.cluster.stop();
    await place.finish(a.coordination.stop());
    const from = place.clock.monotonic();
    await eventually(place, () => b.coordination.prober?.gate === 'b', 'b has the duty');
    expect(place.clock.monotonic() - from).toBeLessThan(2_500);
    await eventually(place, () => servers.askedSince(from).length > 0, 'b asks');
    expect(servers.askedSince(from)).toEqual(['b']);
  });

  test('a prober that is cut off from the store goes on for itself, and has it back to be one of the others', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    const [a, b] = [await servers.gate('a'), await servers.gate('b')] as const;
    await place.pass(2 * PROBE);
    a.way.cut = true;
    const from = place.clock.monotonic();
    const seconds = 22;
    for (let second = 0; second < seconds; second++) {
      await place.pass(1_000);
      expect([a.cluster.isStale(STALE), b.cluster.isStale(STALE)]).toEqual([false, false]);
    }
    expect(servers.askedSince(from + (seconds - 12) * 1_000).sort()).toEqual(['a', 'b']);
    a.way.cut = false;
    await place.pass(PROBE + TAKEOVER);
    const later = place.clock.monotonic();
    await place.pass(3 * PROBE);
    expect(servers.askedSince(later)).toHaveLength(1);
    expect(a.coordination.prober?.gate).toBe(b.coordination.prober?.gate);
  });

  test('before a client is refused a gate asks itself, however new the finding of another is', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    await servers.gate('a');
    const b = await servers.gate('b');
    await place.pass(2 * PROBE);
    const from = place.clock.monotonic();
    await place.finish(b.cluster.refresh(1_000));
    expect(servers.askedSince(from)).toContain('b');
    // And not again, for the next client right after it.
    const again = servers.questions.filter(({ gate }) => gate === 'b').length;
    await place.finish(b.cluster.refresh(60_000));
    expect(servers.questions.filter(({ gate }) => gate === 'b')).toHaveLength(again);
  });
});

atEtcd((newPlace) => {
  test('one has the duty, the others know what it found, and one of them has it when that one stops', async () => {
    const place = newPlace();
    const servers = await serversAt(place);
    const gates = [await servers.gate('a'), await servers.gate('b'), await servers.gate('c')] as const;
    const [a, b, c] = gates;
    const probers = () => gates.map(({ coordination }) => coordination.prober?.gate);
    await eventually(place, () => probers().every((id) => id === 'a'), 'all know that a probes', 200_000);
    servers.versions.set('s1', '4.15.0');
    const knowAll = (version: string) => () => known([b, c]).every((one) => one === version);
    await eventually(place, knowAll('4.15.0'), 'all know', 200_000);
    a.cluster.stop();
    await place.finish(a.coordination.stop());
    const next = () => new Set([b, c].map(({ coordination }) => coordination.prober?.gate));
    await eventually(place, () => next().size === 1 && !next().has('a'), 'another probes', 200_000);
    servers.versions.set('s1', '4.16.0');
    await eventually(place, knowAll('4.16.0'), 'all know', 200_000);
  });
});

test('an answer that the prober got before this gate asked does not undo what this gate knows since', async () => {
  const place = memoryPlace();
  const servers = await serversAt(place, ['s1', 's2']);
  await servers.gate('a');
  const b = await servers.gate('b');
  await place.pass(2 * PROBE);
  const slow = Promise.withResolvers<void>();
  servers.held.set('s2', slow.promise);
  const asked = () => servers.questions.filter(({ server }) => server === 's2').length;
  const before = asked();
  await eventually(place, () => asked() > before, 'a round begins');
  await place.pass(50);
  // The prober has its answer of s1, and writes it once it has that of s2.
  servers.held.delete('s2');
  servers.versions.set('s1', '4.15.0');
  await place.finish(b.cluster.refresh(0));
  expect(b.knows('s1')).toBe('4.15.0');
  slow.resolve();
  for (let step = 0; step < 15; step++) {
    await place.pass(100);
    expect(b.knows('s1')).toBe('4.15.0');
  }
  // The next round is newer.
  servers.versions.set('s1', '4.16.0');
  await eventually(place, () => b.knows('s1') === '4.16.0', 'the next round counts', 2 * PROBE + 2_000);
});

test('what was found of a server is of no account to a gate whose config says something else of it', async () => {
  const place = memoryPlace();
  const servers = await serversAt(place);
  await servers.gate('a');
  const b = await servers.gate('b', { fingerprint: 'another' });
  await place.pass(2 * PROBE);
  const from = place.clock.monotonic();
  for (let second = 0; second < 40; second++) {
    await place.pass(1_000);
    expect(b.cluster.isStale(STALE)).toBe(false);
  }
  // It has to ask for itself, though not as often.
  const own = servers.questions.filter(({ gate, at }) => gate === 'b' && at >= from);
  expect(own.length).toBeGreaterThan(1);
  expect(own.length).toBeLessThan(40_000 / PROBE);
});

test('a gate that may only read the store probes by itself as it would without one', async () => {
  const place = memoryPlace();
  const servers = await serversAt(place);
  const a = await servers.gate('a', { readOnly: true });
  const from = place.clock.monotonic();
  await place.pass(10 * PROBE + 100);
  expect(servers.questions.filter(({ at }) => at >= from).length).toBeGreaterThanOrEqual(9);
  expect(a.coordination.standing.why).toContain('only to be read');
});

test('of the processes of one gate only the one that may probes, and the others know what it found', async () => {
  const place = memoryPlace();
  const servers = await serversAt(place);
  const b = await servers.gate('a/2', { isProber: false });
  const a = await servers.gate('a/1', { isProber: false });
  await place.pass(2 * PROBE);
  const from = place.clock.monotonic();
  a.coordination.probe();
  await place.pass(3 * PROBE);
  expect(servers.askedSince(from)).toEqual(['a/1']);
  expect(b.cluster.isStale(STALE)).toBe(false);
  // One process tells of it for both.
  servers.versions.set('s1', '4.15.0');
  await place.pass(2 * PROBE);
  expect(known([a, b])).toEqual(['4.15.0', '4.15.0']);
  expect(servers.told.filter((line) => line.endsWith('4.15.0'))).toEqual(['a/1: up 4.15.0']);
});

test('whatever is cut off, dies and comes back, what a gate knows of a server was true at or after the time it holds it to be of', async () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9_000 }) }),
    fc.record({ kind: fc.constant('release' as const), patch: fc.nat(50) }),
    fc.record({ kind: fc.constant('ask' as const), at: fc.nat(2) }),
    fc.record({ kind: fc.constant('cut' as const), at: fc.nat(2) }),
    fc.record({ kind: fc.constant('mend' as const), at: fc.nat(2) }),
    fc.record({
      kind: fc.constant('set-date' as const),
      at: fc.nat(2),
      ms: fc.integer({ min: -1e7, max: 1e7 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25 }), async (acts) => {
      const place = memoryPlace();
      const servers = await serversAt(place);
      const dates = [0, 0, 0];
      const clocks = dates.map(
        (_, at): Clock => ({
          now: () => place.clock.now() + (dates[at] as number),
          monotonic: () => place.clock.monotonic(),
          after: (ms, then) => place.clock.after(ms, then),
        }),
      );
      const gates: ProbingGate[] = [];
      for (const [at, clock] of clocks.entries()) gates.push(await servers.gate(`g${at}`, { clock }));
      const truth = [{ version: '4.14.0', from: 0 }];
      const check = () => {
        for (const gate of gates) {
          const since = gate.knownAt('s1');
          // The version that it knows was still in place at `since`, or came later.
          const at = truth.findLastIndex(({ version }) => version === gate.knows('s1'));
          const until = truth[at + 1]?.from ?? Number.POSITIVE_INFINITY;
          expect(until).toBeGreaterThanOrEqual(since);
        }
      };
      for (const one of acts) {
        if (one.kind === 'release') {
          servers.versions.set('s1', `4.14.${one.patch}`);
          truth.push({ version: `4.14.${one.patch}`, from: place.clock.monotonic() });
        }
        if (one.kind === 'ask') void gates[one.at]?.cluster.refresh(0);
        if (one.kind === 'cut') (gates[one.at] as ProbingGate).way.cut = true;
        if (one.kind === 'mend') (gates[one.at] as ProbingGate).way.cut = false;
        if (one.kind === 'set-date') dates[one.at] = one.ms;
        for (let left = one.kind === 'pass' ? one.ms : 1; left > 0; left -= 250) {
          await place.pass(Math.min(left, 250));
          check();
        }
        for (const { cluster } of gates) expect(cluster.isStale(STALE)).toBe(false);
      }
      for (const gate of gates) gate.way.cut = false;
      await place.pass(2 * PROBE + TAKEOVER + 5_000);
      expect(known(gates)).toEqual(gates.map(() => truth.at(-1)?.version));
      const from = place.clock.monotonic();
      await place.pass(3 * PROBE);
      expect(servers.askedSince(from)).toHaveLength(1);
    }),
    { numRuns: 40 },
  );
});

test('a moment is before a write if the write was not there at a reading that began then', () => {
  const moments = new Moments();
  expect(moments.before(1)).toBeNull();
  moments.note({ origin: 'x', writes: 4 }, 100);
  moments.note({ origin: 'x', writes: 4 }, 200);
  moments.note({ origin: 'x', writes: 6 }, 300);
  expect([4, 5, 6, 7].map((write) => moments.before(write))).toEqual([null, 200, 200, 300]);
  // An older copy, and another store: nothing is known of their writes.
  moments.note({ origin: 'x', writes: 2 }, 400);
  expect([2, 3, 7].map((write) => moments.before(write))).toEqual([null, 400, 400]);
  moments.note({ origin: 'y', writes: 9 }, 500);
  expect([9, 10].map((write) => moments.before(write))).toEqual([null, 500]);
});
