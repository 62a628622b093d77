/** `wait: DURATION` */
import { duration, seconds } from '../../config/units.ts';
import { pause } from '../../ports/clock.ts';
import { type StepHandler, spellDuration, WORK } from './step.ts';

/** Time passes. */
export const wait: StepHandler<number> = {
  about: 'time passes',
  schema: duration,
  describe: (ms) => `wait ${seconds(ms)}`,
  perform: (ms, { fleet }) => pause(fleet.clock, ms),
  longest: (ms) => ms + WORK,
  spell: spellDuration,
  draw: (fc, { waits }) => ({ weight: 5, value: fc.constantFrom(...waits) }),
};
