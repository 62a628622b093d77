/** `operator: VERB` */
import { z } from 'zod';
import type { StepHandler } from './step.ts';

const schema = z.enum(['approve', 'block', 'unblock', 'retry', 'abort', 'accept-ledger']);
/** As the ledger's history names whoever did it. */
const WHO = { by: 'scenario', reason: 'a step of the scenario' };

/** An operator does something about the upgrade, in the ledger. */
export const operator: StepHandler<z.infer<typeof schema>> = {
  about: 'what an operator does about the upgrade',
  schema,
  describe: (verb) => `operator: ${verb}`,
  async perform(verb, { fleet: { ledger } }) {
    if (verb === 'block') await ledger.block(WHO, null);
    else if (verb === 'accept-ledger') await ledger.accept(WHO);
    else await ledger[verb](WHO);
  },
  draw: (fc) => ({ weight: 2, value: fc.constantFrom(...schema.options) }),
};
