import { describe, expect, test } from 'vitest';
import { Cancellation, type CancelSignal, toAbortSignal } from '../../src/ports/cancellation.ts';
import { AnyOf, Changes } from '../../src/ports/changes.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/** The platform's own signal does the same: whoever takes a `CancelSignal` may get either. */
const KINDS: [string, () => { signal: CancelSignal; abort(): void }][] = [
  [
    'a Cancellation',
    () => {
      const signal = new Cancellation();
      return { signal, abort: () => signal.abort() };
    },
  ],
  [
    'an AbortSignal',
    () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    },
  ],
];

describe.each(KINDS)('%s', (_name, create) => {
  test('tells all who listen, in their order, once, and not who has left', () => {
    const { signal, abort } = create();
    const told: string[] = [];
    const left = () => told.push('left');
    signal.addEventListener('abort', () => told.push('first'));
    signal.addEventListener('abort', left);
    signal.addEventListener('abort', () => told.push(`second, aborted: ${signal.aborted}`));
    signal.removeEventListener('abort', left);
    expect(signal.aborted).toBe(false);
    abort();
    abort();
    expect(told).toEqual(['first', 'second, aborted: true']);
  });

  test('tells those who stayed, and each once, however listeners come and go', () => {
    const { signal, abort } = create();
    const told: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => () => void told.push(name)) as [
      () => void,
      () => void,
      () => void,
    ];
    for (const act of [a, a, b]) signal.addEventListener('abort', act);
    signal.removeEventListener('abort', a);
    signal.addEventListener('abort', c);
    signal.removeEventListener('abort', b);
    for (const act of [a, c]) signal.addEventListener('abort', act);
    abort();
    expect(told).toEqual(['c', 'a']);
  });

  test('who listens too late is not told', () => {
    const { signal, abort } = create();
    abort();
    const told: string[] = [];
    signal.addEventListener('abort', () => told.push('late'));
    expect(told).toEqual([]);
    expect(signal.aborted).toBe(true);
  });

  test('aborts what the platform does, before or after it is asked to', () => {
    const { signal, abort } = create();
    const before = toAbortSignal(signal);
    expect(before.aborted).toBe(false);
    abort();
    expect(before.aborted).toBe(true);
    expect(toAbortSignal(signal).aborted).toBe(true);
  });
});

describe('waiting for any of several changes', () => {
  const setUp = () => {
    const clock = new VirtualClock(0);
    const over = new Cancellation();
    const [a, b] = [new Changes(), new Changes()];
    const any = new AnyOf([a, b], clock);
    const seen = any.count;
    let ended = false;
    const wait = () =>
      any.next(seen, 100, over).then(() => {
        ended = true;
      });
    return { clock, over, a, b, any, wait, hasEnded: () => ended };
  };

  test.each([
    ['the second changes', ({ b }: ReturnType<typeof setUp>) => b.notify()],
    ['nobody waits any more', ({ over }: ReturnType<typeof setUp>) => over.abort()],
  ])('ends when %s, and leaves nothing behind', async (_what, happen) => {
    const fixture = setUp();
    const waiting = fixture.wait();
    await Promise.resolve();
    expect(fixture.hasEnded()).toBe(false);
    happen(fixture);
    await waiting;
    expect(fixture.clock.pending).toBe(0);
  });

  test('ends after its time', async () => {
    const { clock, wait, hasEnded } = setUp();
    const waiting = wait();
    await clock.run(99);
    expect(hasEnded()).toBe(false);
    await clock.run(1);
    await waiting;
  });

  test('thousands are woken a few in each turn, and whoever gave up meanwhile is woken once', async () => {
    const { clock, over, a, any } = setUp();
    const seen = any.count;
    let woken = 0;
    for (let at = 0; at < 1_000; at++)
      void any.next(seen, 100, at < 999 ? new Cancellation() : over).then(() => woken++);
    a.notify();
    await Promise.resolve();
    expect(woken).toBeLessThan(100);
    over.abort();
    await clock.run(0);
    expect(woken).toBe(1_000);
    expect(clock.pending).toBe(0);
  });

  test('does not begin where something changed since it was looked at', async () => {
    const { clock, a, wait } = setUp();
    a.notify();
    await wait();
    expect(clock.pending).toBe(0);
  });
});
