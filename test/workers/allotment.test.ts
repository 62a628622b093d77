import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allotment } from '../../src/workers/allotment.ts';

const act = fc.record({
  what: fc.constantFrom('begin', 'more', 'takeBack', 'end'),
  worker: fc.integer({ min: 1, max: 4 }),
  count: fc.nat(50),
});

describe('a limit that several workers share', () => {
  test('is never given out twice, whatever they ask for, give back, and however they come and go', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.array(act, { maxLength: 60 }), (limit, acts) => {
        const allotment = new Allotment(limit, 4);
        const held = new Map<number, number>();
        for (const { what, worker, count } of acts) {
          const share = held.get(worker);
          if (what === 'begin' && share === undefined) held.set(worker, allotment.begin(worker));
          if (what === 'more') held.set(worker, (share ?? 0) + allotment.more(worker));
          if (what === 'takeBack' && share !== undefined) {
            const given = Math.min(count, share);
            allotment.takeBack(worker, given);
            held.set(worker, share - given);
          }
          if (what === 'end') {
            allotment.end(worker);
            held.delete(worker);
          }
          const sum = [...held.values()].reduce((all, one) => all + one, 0);
          expect(sum + allotment.free).toBe(limit);
          expect(allotment.free).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('is used to the last place by one worker where the others need none', () => {
    const allotment = new Allotment(10, 2);
    let held = allotment.begin(1);
    expect(held).toBeLessThan(10);
    for (let given = allotment.more(1); given > 0; given = allotment.more(1)) held += given;
    expect(held).toBe(10);
    expect(allotment.begin(2)).toBe(0);
  });

  test('of one or none works too', () => {
    const one = new Allotment(1, 3);
    expect([one.begin(1), one.begin(2), one.more(2), one.more(1)]).toEqual([0, 0, 1, 0]);
    expect(new Allotment(0, 3).begin(1)).toBe(0);
  });

  test('gives nothing to a worker that is gone', () => {
    const allotment = new Allotment(10, 2);
    allotment.begin(1);
    allotment.end(1);
    expect(allotment.more(1)).toBe(0);
    expect(allotment.free).toBe(10);
  });
});
