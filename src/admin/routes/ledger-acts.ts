/** `POST /v1/migration/approve` and the like: what an operator does about the upgrade, on record in the ledger. */
import { z } from 'zod';
import type { AdminContext, App } from '../context.ts';
import { actOnLedger, type LedgerAct } from '../ledger-acts.ts';
import { asked, duration, outcome } from '../schemas/verbs.ts';

const plain = asked;
const BODIES = {
  approve: [plain, 'Let the next newer client bring the upgrade, whatever the trigger says.'],
  block: [
    asked.extend({ for: duration.optional().describe('how long; absent: until unblocked') }),
    'Let no upgrade begin; clients are told the reason, which has to be stated.',
  ],
  unblock: [
    asked.extend({ of: z.string().max(128).optional().describe('the operator whose block alone is lifted') }),
    'Let upgrades begin again.',
  ],
  retry: [plain, 'After failures: let the next newer client try again, at once.'],
  abort: [plain, 'Stop the running upgrade; it does not start again until `retry`.'],
  'accept-ledger': [plain, 'Say that this ledger is the right one, after it was lost or changed.'],
} as const;

/** Adds all of them. */
export function addLedgerActs(app: App, context: AdminContext): void {
  for (const [what, [body, summary]] of Object.entries(BODIES))
    app.post(
      `/v1/migration/${what}`,
      {
        schema: {
          operationId: `migration-${what}`,
          summary,
          tags: ['act'],
          body,
          response: { 200: outcome },
        },
      },
      ({ body }) => actOnLedger(what as LedgerAct, body, context),
    );
}
