/** `run: { command, status, timeout }` */
import { z } from 'zod';
import { duration } from '../../config/units.ts';
import { runCommand } from '../run-command.ts';
import type { StepHandler } from './step.ts';

const schema = z.strictObject({
  command: z.array(z.string().min(1)).min(1).describe('a program and its arguments'),
  status: z.int().min(0).max(255).default(0).describe('that it has to end with'),
  timeout: duration.prefault('60s').describe('how long it may run'),
});

/** A program runs to its end. */
export const run: StepHandler<z.infer<typeof schema>> = {
  about: 'a program is run to its end; needs real processes',
  schema,
  describe: ({ command }) => `run ${command.join(' ')}`,
  perform: (command, { folder, fleet }) => runCommand(command, folder, fleet.environment),
  needs: () => 'real',
};
