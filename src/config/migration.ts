/** The `migration` part of a config: what runs the one-time upgrade, who brings it, who waits for it. */
import { z } from 'zod';
import { ledgerPattern, ledgerUsage, parseLedgerAddress } from '../migration/ledger/registry.ts';
import { parseWindow } from '../migration/trigger.ts';
import { checked, version } from './checked.ts';
import { duration, moreThanNone } from './units.ts';

const hookFields = {
  command: z.array(z.string().min(1)).min(1).optional().describe('a program and its arguments'),
  module: z
    .string()
    .min(1)
    .optional()
    .describe('a JavaScript or TypeScript file whose default export is called'),
  http: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('a URL that is posted to and polled'),
  secretEnv: z
    .string()
    .min(1)
    .optional()
    .describe('with `http`: environment variable with the secret that signs requests'),
  timeout: moreThanNone(duration)
    .prefault('10m')
    .describe('how long it may run; then it is ended, and counts as failed'),
};

const hook = z
  .strictObject(hookFields)
  .refine(
    ({ command, module, http }) => [command, module, http].filter((kind) => kind !== undefined).length === 1,
    {
      message: 'a hook has exactly one of command, module and http',
    },
  );

const serverHook = z.strictObject({
  server: z.literal(true).describe('an upgraded server is asked to'),
  timeout: hookFields.timeout,
});

const trigger = z
  .strictObject({
    approval: z.boolean().default(false).describe('only once an operator approved'),
    window: checked((text) => {
      if (parseWindow(text) === null)
        throw new Error(`${JSON.stringify(text)} is not a time of day such as 02:00-04:30`);
    })
      .meta({ pattern: String.raw`^\d{2}:\d{2}-\d{2}:\d{2}$` })
      .optional()
      .describe('only in this time of day, UTC, such as `02:00-04:30`'),
    canary: z.string().min(1).optional().describe('only the client whose property `name` is this'),
    clients: z.int().min(1).max(1_000).default(1).describe('only after so many distinct newer clients came'),
  })
  .prefault({});

export const migration = z
  .strictObject({
    ledger: checked(parseLedgerAddress)
      .meta({ pattern: ledgerPattern() })
      .default('sqlite:ledger.db')
      .describe(ledgerUsage('`')),
    baseline: version.optional().describe('where the tables are, if no server and no ledger says'),
    lease: moreThanNone(duration)
      .prefault('15s')
      .describe('how long a claim outlives the gate that holds it'),
    trigger: trigger.describe('who brings the upgrade; default: the first newer client'),
    hook: z
      .union([serverHook, hook])
      .prefault({ server: true })
      .describe('what runs a step; default: an upgraded server is asked to'),
    hooks: z.record(version, hook).default({}).describe('hooks of single releases, by version'),
    check: hook
      .optional()
      .describe(
        'a hook asked before a step whether it is done already: success means yes, its own failure no, no answer that the attempt fails',
      ),
    snapshot: hook.optional().describe('a hook run before each step'),
    restore: hook.optional().describe('a hook run after a failed step'),
    retry: z
      .strictObject({
        attempts: z
          .int()
          .min(1)
          .max(100)
          .default(3)
          .describe(
            'attempts in a row that may fail, or end with their gate, until only an operator can go on',
          ),
        backOff: duration.prefault('10s').describe('wait before the second attempt; doubles with each'),
      })
      .prefault({})
      .describe('after a failure'),
    hold: z
      .strictObject({
        deadline: duration.prefault('60s').describe('how long a client waits for the upgrade'),
        clients: z
          .int()
          .min(0)
          .default(10_000)
          .describe('how many may wait at once, for it or for the end of a pause'),
        everyone: z.boolean().default(false).describe('whether older clients wait for it too'),
        ramp: z
          .int()
          .min(1)
          .default(100)
          .describe(
            'clients let in during the first second after an upgrade, a pause or the lack of a server; doubles every second; see "When many come at once" in docs/operating.md',
          ),
      })
      .prefault({})
      .describe('clients that wait for the upgrade'),
    grace: duration
      .prefault('10m')
      .describe('how long clients that need no upgrade are served without the ledger'),
    drain: duration
      .prefault('5s')
      .describe('time for all gates to end their sessions before an upgrade that needs downtime'),
  })
  .prefault({});
