/** Where a gate stands between its start and its end, and the legal ways on. */
import { describe, expect, test } from 'vitest';
import { Lifecycle, type LifecycleState } from '../../src/gateway/lifecycle.ts';

type Exit = 'serve' | 'drain' | 'finish';

/** How to get into each state, and where its legal exits lead. */
const STATES: Readonly<Record<LifecycleState, { by: Exit[]; exits: Partial<Record<Exit, LifecycleState>> }>> =
  {
    starting: { by: [], exits: { serve: 'serving', drain: 'draining' } },
    serving: { by: ['serve'], exits: { drain: 'draining' } },
    draining: { by: ['serve', 'drain'], exits: { finish: 'stopped' } },
    stopped: { by: ['drain', 'finish'], exits: {} },
  };
const EXITS: readonly Exit[] = ['serve', 'drain', 'finish'];
const CASES = Object.entries(STATES).flatMap(([state, { by, exits }]) =>
  EXITS.map((exit) => ({ state, by, exit, to: exits[exit] })),
);

function into(by: readonly Exit[]): Lifecycle {
  const lifecycle = new Lifecycle();
  for (const exit of by) lifecycle[exit]();
  return lifecycle;
}

describe('the lifecycle', () => {
  test.each(CASES.filter(({ to }) => to !== undefined))('$state, $exit(): $to', ({ by, exit, to }) => {
    const lifecycle = into(by);
    const told = lifecycle.changes.count;
    lifecycle[exit]();
    expect(lifecycle.state).toBe(to);
    expect(lifecycle.changes.count).toBe(told + 1);
    expect(lifecycle.closing.aborted).toBe(to === 'draining' || to === 'stopped');
  });

  test.each(CASES.filter(({ to }) => to === undefined))(
    '$state, $exit(): an error, and nothing changes',
    ({ state, by, exit }) => {
      const lifecycle = into(by);
      const told = lifecycle.changes.count;
      expect(() => lifecycle[exit]()).toThrow(expect.objectContaining({ name: 'MisuseError' }));
      expect(lifecycle.state).toBe(state);
      expect(lifecycle.changes.count).toBe(told);
    },
  );
});
