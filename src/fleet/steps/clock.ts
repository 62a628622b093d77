/** `clock: { of, ahead }` or `clock: { of, behind }` */
import { z } from 'zod';
import { duration, seconds } from '../../config/units.ts';
import { name } from '../fleet-schema.ts';
import { nodeVerb } from './nodes.ts';
import { type StepHandler, spellDuration, WORK } from './step.ts';

const schema = z
  .strictObject({
    of: name.describe('a server or gate'),
    ahead: duration.optional().describe('how far ahead of the others its clock is'),
    behind: duration.optional().describe('how far behind the others its clock is'),
  })
  .refine(({ ahead, behind }) => (ahead === undefined) !== (behind === undefined), {
    message: 'needs either ahead or behind',
    when: ({ issues }) => issues.length === 0,
  });

type ClockStep = z.infer<typeof schema>;

/** A machine's clock is set: wrong from now on, or right again. The process on it goes on. */
export const clock: StepHandler<ClockStep> = {
  about: 'the clock of a server or gate is set ahead of the others, or behind',
  schema,
  describe: ({ of, ahead, behind = 0 }) =>
    ahead === undefined
      ? `set the clock of ${of} ${seconds(behind)} behind`
      : `set the clock of ${of} ${seconds(ahead)} ahead`,
  problems: ({ of }, names) => nodeVerb('clock').problems(of, names),
  needs: () => 'virtual',
  async perform({ of, ahead = 0, behind = 0 }, { nodes }) {
    nodes.setClock(of, ahead - behind);
  },
  longest: () => WORK,
  spell: ({ of, ahead, behind }) => ({
    of,
    ...(ahead !== undefined && { ahead: spellDuration(ahead) }),
    ...(behind !== undefined && { behind: spellDuration(behind) }),
  }),
  draw: (fc, { servers, gates, waits }) => ({
    weight: 1,
    value: fc
      .record({
        of: fc.constantFrom(...gates, ...servers),
        ms: fc.constantFrom(...waits, 3_600_000),
        ahead: fc.boolean(),
      })
      .map(({ of, ms, ahead }) => (ahead ? { of, ahead: ms } : { of, behind: ms })),
  }),
};
