/** `until: { within, … }` */

import type { z } from 'zod';
import { duration, seconds } from '../../config/units.ts';
import { pause } from '../../ports/clock.ts';
import { expectationSchema } from '../expectation-schema.ts';
import { checkExpectations, expectationProblems } from '../expectations.ts';
import { type StepHandler, WORK } from './step.ts';

const schema = expectationSchema
  .extend({ within: duration.prefault('10s').describe('how long is waited at most') })
  .refine((value) => Object.keys(value).some((key) => key !== 'within'), {
    message: 'needs something to wait for',
    when: ({ issues }) => issues.length === 0,
  });

/** ms between two looks. */
const POLL = 50;

/** The next step comes once everything that is expected holds. What does not hold in time is a failed expectation. */
export const until: StepHandler<z.infer<typeof schema>> = {
  about: 'waits until what is expected holds, within a deadline',
  schema,
  describe: ({ within, ...expected }) =>
    `wait up to ${seconds(within)} for ${Object.keys(expected).join(', ')}`,
  problems: (expected, { clientVersions }) => expectationProblems(expected, clientVersions),
  async perform({ within, ...expected }, { fleet: { clock }, check, facts, field }) {
    const end = clock.monotonic() + within;
    for (;;) {
      const checks = checkExpectations(expected, await facts(), field);
      if (clock.monotonic() >= end || checks.every(({ holds }) => holds)) return check(...checks);
      await pause(clock, Math.min(POLL, end - clock.monotonic()));
    }
  },
  longest: ({ within }) => within + WORK,
};
