/**
 * Every message with the type and limit of every field: the one place. proto/messages.schema.json and the
 * tables of proto/README.md are generated from here. Unknown fields are ignored, so later revisions may add.
 */
import { z } from 'zod';
import { CODE_NAMES } from '../policy/codes.ts';
import { RULES, VERDICTS } from '../policy/types.ts';
import { MAX_VERSION_LENGTH } from '../version/version.ts';
import { WireFault } from './fault.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { decodeValue, encodeValue } from './msgpack.ts';

const short = z.string().max(128);
const sentence = z.string().max(2048);
const version = z.string().min(1).max(MAX_VERSION_LENGTH);
const level = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const ms = z.int().min(0);
const range = z.object({ min: level, max: level }).refine(({ min, max }) => min <= max, 'min is over max');
const properties = z
  .record(z.string().min(1).max(64), z.string().max(1024))
  .refine((all) => Object.keys(all).length <= 32, 'at most 32 properties');

const decision = z.object({
  verdict: z.enum(VERDICTS),
  code: z.enum(CODE_NAMES as [(typeof CODE_NAMES)[number]]),
  rule: z.enum(RULES),
  client: version.nullable(),
  cluster: z.object({ oldest: version.nullable(), newest: version.nullable(), level: level.nullable() }),
  move: z
    .object({ side: z.enum(['client', 'server', 'operator']), to: short, who: z.array(short).max(64) })
    .nullable(),
  retry: z.enum(['never', 'later', 'after-change']),
  retryAfterMs: ms.nullable(),
  vendorCode: z.int().nullable(),
  sqlState: z.string().length(5).nullable(),
  message: sentence,
  notes: z.array(z.object({ release: version, text: sentence, link: sentence.nullable() })).max(8),
  trace: z
    .array(z.object({ rule: z.enum(RULES), outcome: z.enum(['pass', 'fail', 'skip']), because: sentence }))
    .max(16),
});

export const MESSAGES = {
  /** client to gate: who it is and what it asks of upgrades. */
  hello: {
    type: 0x01,
    schema: z.object({
      version,
      driver: short.default(''),
      properties: properties.default({}),
      upgrade: z.enum(['may', 'must-not']).default('may'),
      protocol: range.optional(),
    }),
  },
  /** gate to client: admitted; raw bytes follow. */
  permit: {
    type: 0x02,
    schema: z.object({
      session: short,
      server: z.object({ id: short, version: version.nullable() }),
      level: level.nullable(),
      waitedMs: ms,
      notices: z.array(sentence).max(16),
      decision,
    }),
  },
  /** gate to client: not yet. `progress` 0 to 1, null when unknown; `deadlineMs` is what is left of the wait. */
  wait: {
    type: 0x03,
    schema: z.object({
      code: z.enum(CODE_NAMES as [(typeof CODE_NAMES)[number]]),
      reason: sentence,
      progress: z.number().min(0).max(1).nullable(),
      deadlineMs: ms,
    }),
  },
  /** gate to client: refused; the connection is closed. */
  refuse: { type: 0x04, schema: decision },
  /** gate to server: what are you? */
  ask: { type: 0x11, schema: z.object({ gate: short, purpose: z.enum(['probe', 'session', 'upgrade']) }) },
  /** server to gate. `going`: it leaves and takes no new sessions. */
  serverHello: {
    type: 0x12,
    schema: z.object({
      id: short,
      version,
      level: level.nullable().default(null),
      going: z.boolean().default(false),
      protocol: range.optional(),
    }),
  },
  /** gate to server: here is an admitted client; its raw bytes follow. */
  open: {
    type: 0x13,
    schema: z.object({
      session: short,
      peer: short,
      client: z.object({ version, driver: short, properties }),
    }),
  },
  /** gate to server: bring the system tables one step on. A server refuses a token below the highest it saw. */
  upgradeRequest: {
    type: 0x14,
    schema: z.object({
      from: version.nullable(),
      to: version,
      fromLevel: level,
      toLevel: level,
      step: z.int().min(1),
      attempt: z.int().min(1),
      token: z.int().min(0),
      key: short,
    }),
  },
  /** server to gate: `done` 0 to 1. */
  upgradeProgress: { type: 0x15, schema: z.object({ done: z.number().min(0).max(1), text: sentence }) },
  /** server to gate: `level` is where the tables are now; `error` null when the step is complete. */
  upgradeResult: { type: 0x16, schema: z.object({ level: level.nullable(), error: sentence.nullable() }) },
} as const;

export type MessageName = keyof typeof MESSAGES;
export type Message<Name extends MessageName> = z.infer<(typeof MESSAGES)[Name]['schema']>;
/** What a sender has to state: fields with defaults may be left out. */
export type MessageInput<Name extends MessageName> = z.input<(typeof MESSAGES)[Name]['schema']>;

export function encodeMessage<Name extends MessageName>(name: Name, message: MessageInput<Name>): Uint8Array {
  return encodeFrame(MESSAGES[name].type, encodeValue(message));
}

/** @throws {WireFault} naming the field at fault. */
export function decodeMessage<Name extends MessageName>(name: Name, frame: Frame): Message<Name> {
  const parsed = MESSAGES[name].schema.safeParse(decodeValue(frame.payload));
  if (parsed.success) return parsed.data as Message<Name>;
  const issue = parsed.error.issues[0];
  const field = issue?.path.length ? `${name}.${issue.path.map(String).join('.')}` : name;
  throw new WireFault(`${field}: ${issue?.message ?? 'is not valid'}`);
}

export function isTypeOf(...names: MessageName[]): (type: number) => boolean {
  const types = new Set<number>(names.map((name) => MESSAGES[name].type));
  return (type) => types.has(type);
}
