/** What planning answers (src/planning/answers.ts), as schemas: the same fields, with a line about each. */
import { z } from 'zod';
import {
  BLOCKER_KINDS,
  type CensusLine,
  LINE_STATUSES,
  type Next,
  type PathStep,
  type WhatIf,
} from '../../planning/answers.ts';
import { code, count, listOf, move, rule, time, verdict } from './common.ts';

const blocker = z
  .object({
    kind: z.enum(BLOCKER_KINDS),
    who: listOf(z.string()).describe('ids of servers or gates, versions of clients, or `operator`'),
    move: move.nullable().describe('what takes it out of the way; null: nothing but time'),
    message: z.string().describe('for people'),
  })
  .meta({ id: 'Blocker' });

const namedClient = z.object({
  name: z.string().nullable().describe('property `name`, else `user`; null: it states neither'),
  driver: z.string().nullable().describe('null: of another gate'),
  host: z.string().nullable(),
  gate: z.string().nullable().describe('the other gate that has these sessions; null: this one'),
  sessions: count.describe('open ones; 0: it is not connected'),
});

const refused = z
  .object({
    line: z.string().describe('release line of the clients'),
    sessions: count.describe('open ones, whose clients would not be admitted if they came anew'),
    seen: count.describe('clients of the last hour without a session now'),
    rule,
    code,
    move: move.nullable(),
    already: z.boolean().describe('whether they are refused already as things are'),
    temporary: z.boolean().describe('whether they are refused only while an upgrade runs'),
    versions: listOf(z.string()),
    clients: listOf(namedClient).describe('those with the most sessions first; bounded'),
  })
  .meta({ id: 'Refused' });

const upgradeAhead = z
  .object({
    fromLevel: count.nullable().describe('null: nobody knows where the tables are'),
    toLevel: count,
  })
  .meta({ id: 'UpgradeAhead' });

const step = z
  .object({
    to: z.string().describe('release line'),
    blockers: listOf(blocker),
    refuses: listOf(refused).describe('open sessions that this step would refuse, and no step before it'),
    upgrade: upgradeAhead.nullable(),
    downtime: z.boolean().describe('whether nobody is admitted while the upgrade runs, and sessions end'),
    optional: z.boolean().describe('whether servers may go past this line'),
    sentence: z.string(),
  })
  .meta({ id: 'PathStep' }) satisfies z.ZodType<PathStep>;

export const next = z
  .object({
    to: z
      .string()
      .nullable()
      .describe('release line that is next, or that was asked for; null: none is known'),
    ready: z.boolean().describe('whether nothing is in the way'),
    blockers: listOf(blocker),
    refuses: listOf(refused).describe('open sessions that would be refused once it is done'),
    refusesSeen: listOf(refused).describe('clients of the last hour that would be refused if they came back'),
    upgrade: upgradeAhead.nullable(),
    sentence: z.string().describe('the whole answer, for people'),
    path: listOf(step).exactOptional().describe('with a target: each step there, in order'),
  })
  .meta({ id: 'Next' }) satisfies z.ZodType<Next>;

export const whatIfAnswer = z
  .object({
    servers: listOf(z.object({ id: z.string(), version: z.string().nullable() })).describe('as supposed'),
    policy: z.string().nullable().describe('the one supposed; null: the one that is there'),
    refused: listOf(refused),
    permitted: z.object({ sessions: count, seen: count }),
    sentence: z.string(),
  })
  .meta({ id: 'WhatIf' }) satisfies z.ZodType<WhatIf>;

export const censusLine = z
  .object({
    line: z.string(),
    versions: listOf(z.string()),
    sessions: count,
    lastSeenAt: time.nullable().describe('null: not in the last hour'),
    hosts: listOf(z.string()).describe('where from; the most frequent first, bounded'),
    drivers: listOf(z.string()),
    who: listOf(z.string()).describe('what clients call themselves, by their recorded properties'),
    verdictNow: verdict,
    codeNow: code,
    verdictNext: verdict.describe('after the next step'),
    codeNext: code,
    status: z.enum(LINE_STATUSES),
  })
  .meta({ id: 'CensusLine' }) satisfies z.ZodType<Omit<CensusLine, 'lastSeenAt'>>;
