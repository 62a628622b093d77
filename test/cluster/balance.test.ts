/** Which server gets the next session: the choice by kinds is the one that a walk over all servers makes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPlainBackEnd } from '../../src/backend/plain.ts';
import { Balance } from '../../src/cluster/balance.ts';
import { IndexSet } from '../../src/cluster/index-set.ts';
import { type ServerState, unknownServer } from '../../src/cluster/server-state.ts';
import { parseVersion } from '../../src/version/version.ts';

const VERSIONS = ['4.13.0', '4.14.0', '4.14.1'].map(parseVersion);
const backEnd = createPlainBackEnd(async () => VERSIONS[0] as (typeof VERSIONS)[0]);

function servers(count: number): ServerState[] {
  return Array.from({ length: count }, (_, index) => ({
    ...unknownServer({ id: `s${index}`, address: 'tcp://server:1', backEnd }),
    state: 'up' as const,
    version: VERSIONS[0] as (typeof VERSIONS)[0],
  }));
}

/** The plain way: every server is looked at, from the one whose turn it is. */
function walk(
  all: readonly ServerState[],
  turn: number,
  fits: (one: ServerState) => boolean,
): ServerState | null {
  const inTurn = all.map((_, at) => all[(turn + at) % all.length] as ServerState);
  const able = inTurn.filter((one) => one.state === 'up' && fits(one));
  const least = Math.min(...able.map(({ sessions }) => sessions));
  return able.find(({ sessions }) => sessions === least) ?? null;
}

const step = fc.record({
  index: fc.nat({ max: 79 }),
  change: fc.constantFrom('session', 'end', 'version', 'state'),
  to: fc.nat({ max: 2 }),
  fitting: fc.subarray(VERSIONS),
  out: fc.uniqueArray(fc.nat({ max: 79 }), { maxLength: 4 }),
});

describe('a choice of a server', () => {
  test('is the least loaded one that fits, in turn, whatever happened to the servers before', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 80 }),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        (count, steps) => {
          const all = servers(count);
          const balance = new Balance(all);
          for (const [turn, { index: any, change, to, fitting, out }] of steps.entries()) {
            const index = any % count;
            const server = all[index] as ServerState;
            if (change === 'session') server.sessions++;
            else if (change === 'end') server.sessions = Math.max(0, server.sessions - 1);
            else if (change === 'version') server.version = VERSIONS[to] ?? null;
            else server.state = (['up', 'draining', 'down'] as const)[to] ?? 'up';
            if (change === 'session' || change === 'end') balance.recount(index);
            else balance.update(index);
            const isOut = ({ id }: { id: string }) => out.some((one) => id === `s${one % count}`);
            const fits = ({ version }: ServerState) => fitting.some((one) => one === version);
            const picked = balance.pick((one) => fits(one as ServerState), isOut);
            expect(picked).toBe(walk(all, turn, (one) => fits(one) && !isOut(one)));
            if (picked !== null) found++;
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  test('asks once for all servers of a kind, however many there are', () => {
    const all = servers(1_000);
    const balance = new Balance(all);
    let asked = 0;
    const picked = Array.from({ length: 5 }, () =>
      balance.pick(
        () => {
          asked++;
          return true;
        },
        ({ id }) => id === 's2',
      ),
    );
    expect(picked.map((server) => server?.id)).toEqual(['s0', 's1', 's3', 's3', 's4']);
    expect(asked).toBe(5);
  });

  test('is none where no server takes sessions', () => {
    const [server] = servers(1) as [ServerState];
    server.state = 'draining';
    expect(
      new Balance([server]).pick(
        () => true,
        () => false,
      ),
    ).toBeNull();
  });
});

test('a set of numbers is walked round the circle from any of them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat({ max: 199 })),
      fc.array(fc.nat({ max: 199 })),
      fc.nat({ max: 199 }),
      (added, removed, first) => {
        const set = new IndexSet(200);
        const left = new Set(added);
        for (const one of added) set.add(one);
        for (const one of removed) if (left.delete(one)) set.delete(one);
        const sorted = [...left].sort((a, b) => a - b);
        expect([...set.from(first)]).toEqual([
          ...sorted.filter((one) => one >= first),
          ...sorted.filter((one) => one < first),
        ]);
        expect(set.size).toBe(left.size);
      },
    ),
  );
});
