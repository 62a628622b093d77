/** `ledger: deleted`, `ledger: wiped` or `ledger: { restored: DURATION }` */
import { z } from 'zod';
import { duration, seconds } from '../../config/units.ts';
import type { LedgerLoss } from '../virtual/ledger-store.ts';
import { type StepHandler, spellDuration } from './step.ts';

const schema = z.union([
  z.enum(['deleted', 'wiped']),
  z.strictObject({ restored: duration.describe('how old the copy is that takes its place') }),
]);

/** The ledger is lost behind the backs of its gates. */
export const ledger: StepHandler<LedgerLoss> = {
  about: 'the ledger is deleted or wiped, or an older copy takes its place',
  schema,
  describe: (loss) =>
    typeof loss === 'string'
      ? `the ledger is ${loss}`
      : `the ledger is restored from a copy of ${seconds(loss.restored)} before`,
  needs: () => 'virtual',
  perform: (loss, { fleet }) => fleet.loseLedger(loss),
  spell: (loss) => (typeof loss === 'string' ? loss : { restored: spellDuration(loss.restored) }),
  draw: (fc, { waits }) => ({
    weight: 1,
    value: fc.oneof(fc.constantFrom('deleted', 'wiped'), fc.record({ restored: fc.constantFrom(...waits) })),
  }),
};
