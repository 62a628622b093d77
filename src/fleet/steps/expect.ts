/** `expect: { … }` */
import { type Expectation, expectationSchema, something } from '../expectation-schema.ts';
import { checkExpectations, expectationProblems } from '../expectations.ts';
import type { StepHandler } from './step.ts';

/** What should be so by now is compared with what is. */
export const expect: StepHandler<Expectation> = {
  about: 'what has to hold at this moment',
  schema: something(expectationSchema),
  describe: (expected) => `check ${Object.keys(expected).join(', ')}`,
  problems: (expected, { clientVersions }) => expectationProblems(expected, clientVersions),
  async perform(expected, { check, facts, field }) {
    check(...checkExpectations(expected, await facts(), field));
  },
};
