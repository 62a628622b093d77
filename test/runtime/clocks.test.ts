import { onTestFinished, vi } from 'vitest';
import { realClock } from '../../src/runtime/clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { describeClock } from '../ports/clock-contract.ts';

describeClock('virtual', () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1) + 0.25);
  return { clock, advance: (ms) => clock.run(ms), step: (ms) => clock.step(ms) };
});

// The clock is the real one; only the platform's own timers are made to run faster.
describeClock('real', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  return {
    clock: realClock,
    async advance(ms) {
      vi.advanceTimersByTime(ms);
    },
    // Node's own timers go by its monotonic clock as well: those that are waiting stay as they are.
    step: (ms) => vi.setSystemTime(Date.now() + ms),
  };
});
