/**
 * Every record of the decision log, with the meaning of each field: `log.schema.json` and the tables of
 * docs/records.md are generated from here, and tests hold every record that a gate writes to it. Here an object has
 * no other fields than those named and a word is one of those listed; the published schema leaves both open, since a
 * later gate may say more (see reference.ts).
 */
import { z } from 'zod';
import { VERDICTS } from '../policy/types.ts';
import {
  code,
  common,
  count,
  identity,
  ms,
  nullableLevel,
  openWord,
  properties,
  rule,
  state,
  time,
} from './fields.ts';
import { migrations } from './migration-schema.ts';

const decision = {
  verdict: z
    .enum(VERDICTS)
    .describe('what was decided; a handshake that is over ends in `permit` or `refuse`'),
  code: code.describe('the reason, as a stable code'),
  rule: rule.describe(
    'the rule that decided: on a refusal the one that was broken, on a permit the last one that had to hold; `gate`: none of the policy',
  ),
  client: z.string().nullable().describe("the client's version; null: no hello was read, or it held none"),
  observed: z
    .strictObject({
      oldest: z.string().nullable().describe('the oldest known server version; null: none is known'),
      newest: z.string().nullable().describe('the newest known server version; null: none is known'),
      level: nullableLevel.describe(
        'the schema level of the system tables; null: unknown, or there are none',
      ),
    })
    .describe('what the gate knew of the servers when it decided'),
  move: z
    .strictObject({
      side: z.enum(['client', 'server', 'operator']).describe('who has to move'),
      to: z.string().describe('a release line (`4.15`), a version, or what an operator should do'),
      who: z.array(z.string()).readonly().describe("server ids, or the client's version"),
    })
    .nullable()
    .describe('what would end the refusal; null: nobody has to move'),
  retry: z
    .enum(['never', 'later', 'after-change'])
    .describe('whether the same client may come again; on a permit it says nothing'),
  retryAfterMs: ms.nullable().describe('when to come again, in ms from then; null: no time is known'),
  vendorCode: z.int().nullable().describe("Phoenix's vendor code; null: Phoenix has no such outcome"),
  sqlState: z.string().nullable().describe("Phoenix's SQLState; null: Phoenix has no such outcome"),
  limit: z
    .string()
    .exactOptional()
    .describe('the limit that the client ran into, by its key in the config; absent: none'),
  message: z.string().describe('the decision as a sentence, for people'),
  notices: z.array(z.string()).readonly().describe('what an admitted client should know all the same'),
  notes: z
    .array(
      z.strictObject({
        release: z.string().describe('the release that the note is about'),
        text: z.string().describe('the note'),
        link: z.string().nullable().describe('where to read more; null: nowhere'),
      }),
    )
    .readonly()
    .describe('what the catalogue has to say of the releases in question'),
  trace: z
    .array(
      z.strictObject({
        rule: rule.describe('the rule looked at'),
        outcome: z.enum(['pass', 'fail', 'skip']).describe('what came of it'),
        because: z.string().describe('why, for people'),
      }),
    )
    .readonly()
    .exactOptional()
    .describe('the rules looked at, in order; absent unless `log.trace` asks for it'),
};

const handshake = z.strictObject({
  ...common,
  event: z.literal('handshake'),
  listener: z.string().describe('the address at which the client arrived, with scheme'),
  connection: z.string().describe('the id of the attempt'),
  peer: z.string().describe("the client's address"),
  driver: z.string().nullable().describe('what the client calls its driver; null: no hello was read'),
  protocol: z
    .string()
    .describe(
      'what the listener speaks: `skewgate`, what its `speaks` says, or `assumed`, where any program counts as one of a stated version',
    ),
  claim: z
    .strictObject({
      value: z.string().describe('as the client wrote it, or the config states it'),
      source: z
        .string()
        .describe('where it stood: the carrier and its name; `otherwise`, `assume`: the config states it'),
    })
    .nullable()
    .describe('what the release was read from; null: from the handshake, or nowhere'),
  tls: z
    .strictObject({
      requested: z.boolean().describe('whether the client asked for it, or began with it'),
      version: z.string().nullable().describe('of what it got, such as `TLSv1.3`; null: none'),
    })
    .describe('whether the connection is encrypted as it comes to the gate'),
  properties,
  identity: identity.describe(
    'what `identities` or `clients.tokens` calls the client; null: it is not known',
  ),
  credential: z
    .strictObject({
      kind: openWord(['certificate', 'token']).describe('what it presented'),
      value: z
        .string()
        .nullable()
        .describe('of a certificate the name that counts; of a token null, since nobody is to see it'),
    })
    .nullable()
    .describe(
      'by what the client is known, or what it presented that is not; null: nothing, or nobody asks for it',
    ),
  session: z.string().nullable().describe('the id of the session; null: the client was not admitted'),
  server: z.string().nullable().describe('the id of the server that serves it; null: not admitted'),
  serverVersion: z.string().nullable().describe("that server's version; null: not admitted"),
  waitedFor: code.nullable().describe('the code of the first verdict that held the client; null: none did'),
  phases: z
    .strictObject({
      helloMs: ms.nullable().describe('until the hello was read; null: it never was'),
      heldMs: ms.describe('that the client was held'),
      dialMs: ms.nullable().describe('for the last search of a server; null: none was tried'),
      totalMs: ms.describe('for the whole handshake'),
    })
    .describe('how long its parts took, ms'),
  ...decision,
  policyHash: z
    .string()
    .describe('first 12 hex digits of the SHA-256 of the policy: gates with the same one decide alike'),
});

const sessionEnd = z.strictObject({
  ...common,
  event: z.literal('session-end'),
  session: z.string().describe('the id of the session'),
  client: z.string().describe("the client's version"),
  peer: z.string().describe("the client's address"),
  properties,
  identity: identity.describe(
    'as in the handshake; it stays, also where a reload takes it out of the config',
  ),
  server: z.string().describe('the id of the server'),
  reason: openWord([
    'both-ended',
    'client-gone',
    'server-gone',
    'gate-stopped',
    'lockstep',
    'downtime',
    'drained',
    'kicked',
    'skew',
    'idle',
  ]).describe('why it ended; after the first three the gate ended it'),
  code: code.nullable().describe('the code that goes with it where the gate ended it; otherwise null'),
  message: z.string().nullable().describe('why the gate ended it, as a sentence; null: it did not'),
  error: z.string().nullable().describe('what broke it off; null: it ended in order'),
  bytesFromClient: count.describe("the session's bytes from the client to the server"),
  bytesFromServer: count.describe("the session's bytes from the server to the client"),
  durationMs: ms.describe('how long it lasted, ms'),
});

const turnedAway = z.strictObject({
  ...common,
  event: z.literal('turned-away'),
  limit: z.string().describe('the limit that their source ran into, by its key in the config'),
  code: code.describe('as in a handshake'),
  source: z
    .string()
    .nullable()
    .describe('the network that they came from; null: sources beyond the hundred that have a record each'),
  count: count.describe('how many of them have no record of their own'),
  since: time.describe('when the second began in which they came'),
});

const server = z.strictObject({
  ...common,
  event: z.literal('server'),
  server: z.string().describe('the id of the server'),
  first: z.boolean().describe('whether it is what the first probe of this server gave'),
  state: state.describe('how it is; `draining`: it takes no new sessions'),
  version: z.string().nullable().describe('its version, the last known one while it is down; null: unknown'),
  previousState: state.nullable().describe('how it was; null: nothing was known of it'),
  previousVersion: z.string().nullable().describe('its version before; null: unknown'),
  level: nullableLevel.describe('the schema level that it reports; null: it keeps no system tables'),
  lastError: z.string().nullable().describe('why it is down; null: it is not'),
});

const lifecycle = z.strictObject({
  ...common,
  event: z.literal('gate'),
  what: openWord([
    'started',
    'draining',
    'stopped',
    'fault',
    'signal-ignored',
    'no-descriptors',
    'descriptors-left',
  ]).describe(
    '`fault`: the program failed over one client; `signal-ignored`: a signal that does nothing came; `no-descriptors`: no file descriptor is left, and clients that come may be cut off without a record; `descriptors-left`: there are some again',
  ),
  policyHash: z.string().describe('as in a handshake'),
  listeners: z.array(z.string()).readonly().describe('the addresses it listens on, as bound'),
  error: z
    .string()
    .nullable()
    .describe('of a fault what failed, of a signal its name, of a lack what it means; otherwise null'),
  lack: z
    .strictObject({
      times: count.describe('how often there was none since the gate started, this time included'),
      seconds: count.describe('for how many seconds there was none; 0 as it begins'),
    })
    .optional()
    .describe('of file descriptors; only with `no-descriptors` and `descriptors-left`'),
});

const operator = z.strictObject({
  ...common,
  event: z.literal('operator'),
  what: openWord(['pause', 'resume', 'drain', 'undrain', 'kick', 'reload']).describe('the verb'),
  stage: openWord(['begun', 'done', 'lapsed', 'refused']).describe(
    '`begun`: it takes time; `done`: what `effect` says is true; `lapsed`: the time of an order is over; `refused`: nothing was done, and `effect` says why',
  ),
  by: z.string().describe('who had the gate do it'),
  reason: z.string().describe('why, in their words; empty: they did not say'),
  target: z
    .strictObject({
      kind: openWord(['gate', 'server', 'listener', 'clients', 'session']).describe('what it is about'),
      name: z
        .string()
        .nullable()
        .describe(
          "the server's or session's id, the listener's address, the range of releases; null: the gate",
        ),
    })
    .describe('what the verb is about'),
  order: z.string().nullable().describe('the id of the order that stands, or stood; null: there is none'),
  scope: openWord(['gate', 'cluster']).describe('`cluster`: it is for all gates'),
  until: time.nullable().describe('when it ends by itself; null: it does not'),
  overMs: ms.nullable().describe('ms over which sessions end; null: as they like, or none has to'),
  sessions: count.describe('sessions of this gate that it ends'),
  effect: z.string().describe('what it does, for people'),
});

const logLost = z.strictObject({
  ...common,
  event: z.literal('log-lost'),
  lost: count.describe('how many records are missing here'),
  since: time.describe('when the first of them was lost'),
});

/** The schemas of all records, by `event`, with a line about each. */
export const RECORDS = {
  handshake: { about: 'a client was admitted or refused', schema: handshake },
  'session-end': { about: 'a session is over', schema: sessionEnd },
  'turned-away': {
    about: 'clients of one source were cut off for a limit, in one second, without a record each',
    schema: turnedAway,
  },
  server: { about: 'what is known of a server was learned, or changed', schema: server },
  gate: { about: "the gate's own life", schema: lifecycle },
  operator: { about: 'an operator had the gate do something', schema: operator },
  migration: { about: 'something happened to the upgrade of the system tables', schema: migrations },
  'log-lost': {
    about: 'records were lost, because the disk or the reader did not take them',
    schema: logLost,
  },
} as const;

/** One line of the log. */
export const recordSchema = z.union([
  handshake,
  sessionEnd,
  turnedAway,
  server,
  lifecycle,
  operator,
  ...migrations.options,
  logLost,
]);
