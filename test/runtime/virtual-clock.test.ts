import { describe, expect, test } from 'vitest';
import { deadline, pause } from '../../src/ports/clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { createMemoryNetwork } from '../../src/transport/memory.ts';
import { Recorder } from '../support/recorder.ts';

describe('virtual time', () => {
  test('timers fire in order of time, then of creation, each at its own time', async () => {
    const clock = new VirtualClock(1_000);
    const fired: Array<[string, number]> = [];
    const note = (name: string) => () => fired.push([name, clock.now()]);
    clock.after(20, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(21, note('late'));
    await clock.run(20);
    expect(fired).toEqual([
      ['a', 1_010],
      ['b', 1_010],
      ['c', 1_020],
    ]);
    expect(clock.now()).toBe(1_020);
    expect(clock.pending).toBe(1);
  });

  test('a cancelled timer never fires; cancelling twice, or late, is nothing', async () => {
    const clock = new VirtualClock();
    let fired = 0;
    const cancelled = clock.after(5, () => fired++);
    const kept = clock.after(5, () => fired++);
    cancelled.cancel();
    cancelled.cancel();
    await clock.run(5);
    kept.cancel();
    expect(fired).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('code that awaits between timers runs as on real time', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const loop = (async () => {
      for (let round = 0; round < 3; round++) {
        await pause(clock, 100);
        await Promise.resolve();
        seen.push(clock.now());
      }
    })();
    await clock.run(1_000);
    await loop;
    expect(seen).toEqual([100, 200, 300]);
    expect(clock.now()).toBe(1_000);
  });

  test('a timer set by a timer fires within the same run if its time has come', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    clock.after(10, () => clock.after(0, () => fired.push(clock.now())));
    await clock.run(10);
    expect(fired).toEqual([10]);
  });

  test('until: time passes as far as the promise needs, and no further', async () => {
    const clock = new VirtualClock(0);
    let later = false;
    clock.after(900, () => {
      later = true;
    });
    expect(await clock.until(pause(clock, 500).then(() => 'done'))).toBe('done');
    expect(clock.now()).toBe(500);
    expect(later).toBe(false);
  });

  test('until: passes on what the promise throws', async () => {
    const clock = new VirtualClock(0);
    const failing = pause(clock, 5).then(() => Promise.reject(new Error('no')));
    await expect(clock.until(failing)).rejects.toThrow('no');
  });

  test.each([0, 1])('until: ends what sets a timer again and again, %i ms ahead', async (ms) => {
    const clock = new VirtualClock(0);
    let fired = 0;
    let over = false;
    const again = () => {
      fired++;
      if (!over) clock.after(ms, again);
    };
    again();
    await expect(clock.until(new Promise(() => {}), 3_600_000, 50)).rejects.toThrow(
      'goes on after 50 timers',
    );
    expect(fired).toBe(51);
    over = true;
    await clock.run(10);
    expect({ fired, now: clock.now(), pending: clock.pending }).toEqual({
      fired: 52,
      now: ms * 50 + 10,
      pending: 0,
    });
  });

  test('until: what ends with the last of its timers ends', async () => {
    const clock = new VirtualClock(0);
    expect(await clock.until(pause(clock, 5), 10, 1)).toBeUndefined();
  });

  test('until: says so when nothing more happens, and at its limit, where the next timer stays set', async () => {
    const clock = new VirtualClock(0);
    await expect(clock.until(new Promise(() => {}))).rejects.toThrow(/nothing more happens/);
    let fired = false;
    const late = pause(clock, 2_000).then(() => {
      fired = true;
    });
    await expect(clock.until(late, 1_000)).rejects.toThrow(/nothing more happens/);
    await clock.run(2_000);
    expect(fired).toBe(true);
  });

  test('a deadline on virtual time', async () => {
    const clock = new VirtualClock(0);
    const limit = deadline(clock, 30_000);
    await clock.run(29_999);
    expect(limit.signal.aborted).toBe(false);
    await clock.run(1);
    expect(limit.signal.aborted).toBe(true);
  });

  test('the memory network takes its latency, and a run of it repeats exactly', async () => {
    const trip = async () => {
      const clock = new VirtualClock(0);
      const network = createMemoryNetwork(clock, 25);
      const times: Array<[string, number]> = [];
      await network.listen('there:1', {
        accept: (connection) => {
          const far = new Recorder(connection);
          far.onData = () => {
            times.push(['there', clock.now()]);
            connection.send(Buffer.from('back'));
          };
        },
      });
      const near = new Recorder(await clock.until(network.dial('there:1')));
      near.onData = () => times.push(['back', clock.now()]);
      near.connection.send(Buffer.from('hello'));
      await clock.run(1_000);
      return times;
    };
    const first = await trip();
    expect(first).toEqual([
      ['there', 50],
      ['back', 75],
    ]);
    expect(await trip()).toEqual(first);
  });
});

test('thousands of timers that are cancelled: the others fire in their order, and no more are pending', async () => {
  const clock = new VirtualClock();
  const fired: number[] = [];
  const timers = Array.from({ length: 5_000 }, (_, at) =>
    clock.after((at * 7) % 1_000, () => fired.push(at)),
  );
  for (const [at, timer] of timers.entries()) if (at % 10 !== 0) timer.cancel();
  clock.after(500, () => fired.push(-1));
  expect(clock.pending).toBe(501);
  await clock.run(1_000);
  const expected = [...timers.keys()]
    .filter((at) => at % 10 === 0)
    .map((at) => [(at * 7) % 1_000, at] as const);
  expected.push([500, -1]);
  expect(fired).toEqual(expected.sort(([one], [other]) => one - other).map(([, at]) => at));
  expect(clock.pending).toBe(0);
});
