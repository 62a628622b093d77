/**
 * Every message with the type and limit of every field: the one place. proto/messages.schema.json and the
 * tables of proto/README.md are generated from here. Unknown fields are ignored, so later revisions may add.
 */
import { z } from 'zod';
import type { OpenCode } from '../policy/codes.ts';
import { type OpenRule, type ReceivedTraceStep, VERDICTS } from '../policy/types.ts';
import { MAX_VERSION_LENGTH, parseVersion, VERSION_PATTERN } from '../version/version.ts';
import { WireFault } from './fault.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { decodeValue, type Encoded, encodeMap, findField, withNil } from './msgpack.ts';
import { deepFreeze, RecentlyRead } from './recently-read.ts';

/** Characters of a code, a rule or an outcome. */
const MAX_WORD_LENGTH = 64;
/** Rules that a decision may name; those of a later gate among them. */
const MAX_TRACE = 16;
const short = z.string().max(128);
const sentence = z.string().max(2048);
/** As a client reads it: shown to people, so that a later gate may say more than today's grammar has. */
const version = z.string().min(1).max(MAX_VERSION_LENGTH);
/** As a gate or server reads it: compared, so it has to be of the grammar. */
const strictVersion = version
  .superRefine((text, context) => {
    try {
      parseVersion(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  })
  .meta({ pattern: VERSION_PATTERN });
const level = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const ms = z.int().min(0);
const token = z.int().min(0);
/** Of a gate's name and more. */
const MAX_LEDGER_LENGTH = 256;
const ledger = z.string().min(1).max(MAX_LEDGER_LENGTH);
const share = z.number().min(0).max(1);
/** Words that may grow without a new revision: any short word is taken, known ones are typed. */
const word = z.string().min(1).max(MAX_WORD_LENGTH);
const code: z.ZodType<OpenCode, OpenCode> = word;
const rule: z.ZodType<OpenRule, OpenRule> = word;
const outcome: z.ZodType<ReceivedTraceStep['outcome'], ReceivedTraceStep['outcome']> = word;
const protocol = z
  .object({ min: level.describe('the lowest'), max: level.describe('the highest; not below `min`') })
  .refine(({ min, max }) => min <= max, 'min is over max')
  .optional()
  .describe('with preset `ranges`: the versions of the protocol above the handshake that it speaks');
const MAX_PROPERTIES = 32;
/** What a client may say has to fit an `open` too, which holds more than a `hello`. */
const MAX_PROPERTIES_BYTES = 49_152;
const bytesOf = (all: Readonly<Record<string, string>>) => {
  let bytes = 0;
  for (const name in all) bytes += Buffer.byteLength(name) + Buffer.byteLength(all[name] as string);
  return bytes;
};
const properties = z
  .record(z.string().min(1).max(64), z.string().max(1024))
  .refine((all) => Object.keys(all).length <= MAX_PROPERTIES, `at most ${MAX_PROPERTIES} properties`)
  .refine(
    (all) => bytesOf(all) <= MAX_PROPERTIES_BYTES,
    `names and values have more than ${MAX_PROPERTIES_BYTES} bytes of UTF-8 together`,
  )
  .meta({
    maxProperties: MAX_PROPERTIES,
    description: `JDBC-style, such as \`user\`; passed on to the server; names and values together have at most ${MAX_PROPERTIES_BYTES} bytes of UTF-8`,
  });

const decision = z
  .object({
    verdict: z.enum(VERDICTS).describe('`permit` in a permit, `refuse` in a refuse; closed'),
    code: code.describe('why; open, see "Codes" and "What may grow"'),
    rule: rule.describe('the rule that decided, such as `M1`; `gate`: none of the policy; open'),
    client: version.nullable().describe('the version judged; nil if it never got that far'),
    observed: z
      .object({
        oldest: version.nullable().describe('version of the oldest server that counts'),
        newest: version.nullable().describe('version of the newest'),
        level: level.nullable().describe('schema level of the system tables'),
      })
      .describe('what the client was judged against'),
    move: z
      .object({
        side: z.enum(['client', 'server', 'operator']).describe('who has to act; closed'),
        to: short.describe('the release to move to, `4.15` or `4.2.1`; for an operator, what to do'),
        who: z.array(short).max(64).describe("server ids, or the client's version"),
      })
      .nullable()
      .describe('what would change the answer; nil if nothing has to move'),
    retry: z
      .enum(['never', 'later', 'after-change'])
      .describe('whether to come again; closed, see "Reading a refusal"'),
    retryAfterMs: ms.nullable().describe('when to come again, if that is known'),
    vendorCode: z.int().nullable().describe("Phoenix's error code, where it has one"),
    sqlState: z.string().length(5).nullable().describe("Phoenix's SQLState, where it has one"),
    message: sentence.describe('for people'),
    notes: z
      .array(
        z.object({
          release: version.describe('the release it is about'),
          text: sentence.describe('for people'),
          link: sentence.nullable().describe('where to read more'),
        }),
      )
      .max(8)
      .describe('what the catalogue says about the releases involved'),
    trace: z
      .array(
        z.object({
          rule: rule.describe('the rule that was applied; open'),
          outcome: outcome.describe('`pass`, `fail` or `skip`; open'),
          because: sentence.describe('for people'),
        }),
      )
      .max(MAX_TRACE)
      .describe('every rule that was applied, in order'),
  })
  .meta({ id: 'decision' });

export const MESSAGES = {
  hello: {
    type: 0x01,
    from: 'client',
    to: 'gate',
    about: 'who the client is and what it asks of upgrades',
    schema: z.object({
      version: strictVersion.describe(
        '`major.minor.patch`, perhaps with a qualifier such as `-HBase-1.4`; see "Versions"',
      ),
      driver: short.default('').describe('name of the client library'),
      properties: properties.default({}),
      upgrade: z
        .enum(['may', 'must-not'])
        .default('may')
        .describe('whether this client may start the upgrade of the system tables'),
      protocol,
      token: z
        .string()
        .min(1)
        .max(512)
        .optional()
        .describe('a secret that says who the client is, where the gate asks for one; see "Tokens"'),
    }),
  },
  permit: {
    type: 0x02,
    from: 'gate',
    to: 'client',
    about: "admitted; the session's raw bytes follow",
    schema: z.object({
      session: short.describe('id of the session, in the log of the gate and of the server'),
      server: z
        .object({
          id: short.describe('its name'),
          version: version.nullable().describe('as it just said; nil if nobody knows'),
        })
        .describe('the server that serves'),
      level: level.nullable().describe('schema level of the system tables'),
      waitedMs: ms.describe('how long the client was held'),
      notices: z.array(sentence).max(16).describe('what an admitted client should know all the same'),
      decision,
    }),
  },
  wait: {
    type: 0x03,
    from: 'gate',
    to: 'client',
    about: 'not yet; may come many times, a permit or refuse follows',
    schema: z.object({
      code: code.describe('why; open, as in `refuse`'),
      reason: sentence.describe('for people'),
      progress: share.nullable().describe('how much of what it waits for is done; nil if unknown'),
      deadlineMs: ms.describe('what is left of the wait before the gate gives up'),
    }),
  },
  refuse: {
    type: 0x04,
    from: 'gate',
    to: 'client',
    about: 'refused; the connection is closed',
    schema: decision,
  },
  identify: {
    type: 0x11,
    from: 'gate',
    to: 'server',
    about: 'what are you?',
    schema: z.object({
      gate: short.describe('name of the gate'),
      purpose: z
        .enum(['probe', 'session', 'upgrade'])
        .describe('what the gate means to do next; a probe only closes'),
    }),
  },
  serverHello: {
    type: 0x12,
    from: 'server',
    to: 'gate',
    about: 'what the server is',
    schema: z.object({
      id: short.describe('its own name, for people; the gate goes by its config'),
      version: strictVersion.describe('as in `hello.version`'),
      level: level
        .nullable()
        .default(null)
        .describe(
          'schema level of the system tables; nil if it does not know one, and is then not asked to upgrade',
        ),
      token: token.nullable().default(null).describe('the highest fencing token it saw'),
      ledgers: z
        .array(
          z.object({
            id: ledger.describe('as in `upgradeRequest.ledger`'),
            token: token.describe('the highest token that came from it'),
          }),
        )
        .max(8)
        .default([])
        .describe('the ledgers that it was asked for a step by, refused or not; see "Upgrades"'),
      draining: z.boolean().default(false).describe('it leaves and takes no new sessions'),
      protocol,
    }),
  },
  open: {
    type: 0x13,
    from: 'gate',
    to: 'server',
    about: 'an admitted client; its raw bytes follow',
    schema: z.object({
      session: short.describe('as in `permit.session`'),
      peer: short.describe("the client's network address"),
      client: z
        .object({
          version: strictVersion.describe('as in `hello.version`'),
          driver: short.describe('as in `hello.driver`'),
          properties,
        })
        .describe('what the client said'),
    }),
  },
  upgradeRequest: {
    type: 0x14,
    from: 'gate',
    to: 'server',
    about: 'bring the system tables one step on',
    schema: z.object({
      from: strictVersion
        .nullable()
        .describe('lowest release whose tables are at `fromLevel`; nil if the catalogue has none'),
      to: strictVersion.describe('release to upgrade to'),
      fromLevel: level.describe('schema level now'),
      toLevel: level.describe('schema level wanted'),
      step: z.int().min(1).describe('number of the step, from 1'),
      attempt: z.int().min(1).describe('number of the attempt at this step, from 1'),
      token: token.describe('fencing token: refuse one below the highest seen, see "Upgrades"'),
      ledger: ledger
        .nullable()
        .default(null)
        .describe('identity of the ledger that gave the token; nil if it has none'),
      key: short.describe('the same for every attempt at the same step: run it once'),
    }),
  },
  upgradeProgress: {
    type: 0x15,
    from: 'server',
    to: 'gate',
    about: 'the step goes on; may come many times',
    schema: z.object({
      done: share.describe('how much of the step is done'),
      text: sentence.describe('for people'),
    }),
  },
  upgradeResult: {
    type: 0x16,
    from: 'server',
    to: 'gate',
    about: 'the step is over',
    schema: z.object({
      level: level.nullable().describe('schema level now'),
      error: sentence.nullable().describe('why it failed; nil if it is complete'),
    }),
  },
} as const;

/** Names of messages: keys of `MESSAGES`. */
export type MessageName = keyof typeof MESSAGES;
/** A message as it was read, defaults filled in. */
export type Message<Name extends MessageName> = z.infer<(typeof MESSAGES)[Name]['schema']>;
/** What a sender has to state: fields with defaults may be left out. */
export type MessageInput<Name extends MessageName> = z.input<(typeof MESSAGES)[Name]['schema']>;

/** What a sender has to state, as it is or encoded before: the whole of it, or single fields. */
export type Encodable<Name extends MessageName> =
  | { readonly [Field in keyof MessageInput<Name>]: MessageInput<Name>[Field] | Encoded }
  | Encoded;

/** A whole frame. @throws {RangeError} if the payload is over the limit of a frame. */
export function encodeMessage<Name extends MessageName>(name: Name, message: Encodable<Name>): Uint8Array {
  return encodeFrame(MESSAGES[name].type, encodeMap(message));
}

/**
 * Reads a message. It is frozen, since one that says the same as another read lately is the same object.
 * @throws {WireFault} naming the field at fault
 */
export function decodeMessage<Name extends MessageName>(name: Name, frame: Frame): Message<Name> {
  if (name === 'permit') return readPermit(frame.payload) as Message<Name>;
  if (name === 'open') return readUnique(name, frame.payload);
  const known = recent[name].get(frame.payload);
  if (known !== undefined) return known as Message<Name>;
  const message = parse(name, decodeValue(frame.payload));
  // What holds a secret is not remembered.
  if (name === 'hello' && 'token' in message) deepFreeze(message);
  else recent[name].keep(frame.payload, message);
  return message;
}

/** The longest message that is remembered, and the longest decision, which has a trace in it, bytes. */
const [LONGEST, LONGEST_DECISION] = [512, 4_096];

/** What was read lately of each message. */
const recent = Object.fromEntries(
  Object.keys(MESSAGES).map((name) => [name, new RecentlyRead(LONGEST)]),
) as Readonly<Record<MessageName, RecentlyRead>>;

/** Of permits, the decisions: no two permits are alike, but for this, which is most of them. */
const recentDecisions = new RecentlyRead(LONGEST_DECISION);
const undecidedPermit = MESSAGES.permit.schema.omit({ decision: true });

/** Reads a message that no other one is like: it is about one session. */
function readUnique<Name extends MessageName>(name: Name, payload: Uint8Array): Message<Name> {
  const message = parse(name, decodeValue(payload));
  deepFreeze(message);
  return message;
}

/** @throws {WireFault} */
function readPermit(payload: Uint8Array): Message<'permit'> {
  const place = findField(payload, 'decision');
  const bytes = place && payload.subarray(place.start, place.end);
  const known = bytes && recentDecisions.get(bytes);
  if (!known) {
    const permit = readUnique('permit', payload);
    if (bytes) recentDecisions.keep(bytes, permit.decision);
    return permit;
  }
  const rest = parse('permit', decodeValue(withNil(payload, place)), undecidedPermit);
  deepFreeze(rest);
  return Object.freeze({ ...rest, decision: known as Message<'permit'>['decision'] });
}

function parse<Name extends MessageName, Read = Message<Name>>(
  name: Name,
  value: unknown,
  schema = MESSAGES[name].schema as unknown as z.ZodType<Read>,
): Read {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.length ? `${name}.${issue.path.map(String).join('.')}` : name;
  throw new WireFault(`${field}: ${issue?.message ?? 'is not valid'}`);
}

/** A predicate on frame types, for a reader that expects these messages and no others. */
export function isTypeOf(...names: MessageName[]): (type: number) => boolean {
  const types = new Set<number>(names.map((name) => MESSAGES[name].type));
  return (type) => types.has(type);
}
