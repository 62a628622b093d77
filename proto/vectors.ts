/**
 * The test vectors: what goes over the wire, in hex and decoded. Values are written by hand here, and bytes come
 * from the code; test/proto holds both to every state machine.
 */
import { forWire } from '../src/frontend/wire-limits.ts';
import type { Code } from '../src/policy/codes.ts';
import { refusal } from '../src/policy/decision.ts';
import {
  decodeMessage,
  encodeMessage,
  MESSAGES,
  type MessageInput,
  type MessageName,
} from '../src/wire/messages.ts';
import { encodePreface, REVISIONS, type Revisions } from '../src/wire/preface.ts';
import { BAD_INPUTS, type BadInput } from './bad-inputs.ts';
import { GOOD_INPUTS, type GoodInput } from './good-inputs.ts';

export type Part =
  | { readonly preface: Revisions }
  | { readonly message: MessageName; readonly value: unknown }
  /** Raw bytes of the session, in hex. */
  | { readonly raw: string };

export type Peer = 'client' | 'gate' | 'server';

export interface Step {
  readonly from: Peer;
  readonly to: Peer;
  readonly hex: string;
  readonly parts: readonly Part[];
}

export interface Conversation {
  readonly name: string;
  readonly about: string;
  readonly steps: readonly Step[];
}

export interface Vectors {
  readonly about: string;
  readonly revision: number;
  readonly prefaces: readonly { name: string; hex: string; revisions: Revisions }[];
  /** `hex` is the whole frame; `value` what was written, `read` what a receiver sees, defaults filled in. */
  readonly messages: readonly {
    name: string;
    message: MessageName;
    type: number;
    hex: string;
    value: unknown;
    read: unknown;
  }[];
  readonly conversations: readonly Conversation[];
  readonly badInputs: readonly BadInput[];
  readonly goodInputs: readonly GoodInput[];
}

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const text = (words: string) => toHex(Buffer.from(words));

/** What a gate says where no rule decided. */
const refusedBy = (code: Code, message: string) => forWire(refusal(code, message));

type Sample = {
  [Name in MessageName]: { name: string; message: Name; value: MessageInput<Name> };
}[MessageName];

const HELLO: MessageInput<'hello'> = {
  version: '4.13.2',
  driver: 'example',
  properties: { user: 'ada' },
  upgrade: 'may',
};
const OBSERVED = { oldest: '4.14.0', newest: '4.14.1', level: 28 };
const PERMITTED: MessageInput<'refuse'> = {
  verdict: 'permit',
  code: 'PERMITTED',
  rule: 'M2',
  client: '4.13.2',
  observed: OBSERVED,
  move: null,
  retry: 'never',
  retryAfterMs: null,
  vendorCode: null,
  sqlState: null,
  message: 'Client 4.13.2 is admitted.',
  notes: [],
  trace: [
    { rule: 'M1', outcome: 'pass', because: 'not newer than the oldest server' },
    { rule: 'M2', outcome: 'pass', because: '1 minor older than the newest server, 2 are allowed' },
  ],
};
const PERMIT: MessageInput<'permit'> = {
  session: 's-1',
  server: { id: 'rs1', version: '4.14.0' },
  level: 28,
  waitedMs: 0,
  notices: [],
  decision: PERMITTED,
};
const REFUSE: MessageInput<'refuse'> = {
  verdict: 'refuse',
  code: 'SERVER_OUTDATED',
  rule: 'M1',
  client: '4.15.0',
  observed: OBSERVED,
  move: { side: 'server', to: '4.15', who: ['rs1', 'rs2'] },
  retry: 'after-change',
  retryAfterMs: null,
  vendorCode: 2007,
  sqlState: 'INT09',
  message: 'Client 4.15.0 is newer than server rs1 (4.14.0): upgrade the servers first.',
  notes: [{ release: '4.15.0', text: 'Upgrade the servers first.', link: null }],
  trace: [{ rule: 'M1', outcome: 'fail', because: 'newer than rs1 (4.14.0)' }],
};
const WAIT: MessageInput<'wait'> = {
  code: 'UPGRADE_IN_PROGRESS',
  reason: 'The system tables are being upgraded.',
  progress: 0.5,
  deadlineMs: 29_000,
};
const IDENTIFY: MessageInput<'identify'> = { gate: 'main', purpose: 'session' };
const SERVER_HELLO: MessageInput<'serverHello'> = {
  id: 'rs1',
  version: '4.14.0',
  level: 28,
  token: 6,
  ledgers: [{ id: 'ledger-a', token: 6 }],
  draining: false,
};
const OF_ANOTHER_LEDGER: MessageInput<'serverHello'> = {
  ...SERVER_HELLO,
  level: 27,
  token: 7,
  ledgers: [{ id: 'ledger-b', token: 7 }],
};
const SEEN_BEFORE =
  'token 7 was seen before, from another ledger (ledger-b): two ledgers upgrade the same cluster';
const OPEN: MessageInput<'open'> = {
  session: 's-1',
  peer: '127.0.0.1:50000',
  client: { version: '4.13.2', driver: 'example', properties: { user: 'ada' } },
};
const UPGRADE: MessageInput<'upgradeRequest'> = {
  from: '4.13.0',
  to: '4.14.0',
  fromLevel: 27,
  toLevel: 28,
  step: 1,
  attempt: 1,
  token: 7,
  key: '27-28',
};
const NAMED_UPGRADE = { ...UPGRADE, ledger: 'ledger-a' };

const SAMPLES: readonly Sample[] = [
  { name: 'hello', message: 'hello', value: HELLO },
  { name: 'hello with defaults left out', message: 'hello', value: { version: '4.14.0' } },
  {
    name: 'hello with all fields, a qualifier and letters beyond ASCII',
    message: 'hello',
    value: {
      version: '4.14.1-cdh5.14.2',
      driver: 'пример',
      properties: { user: 'zoë', note: '🙂' },
      upgrade: 'must-not',
      protocol: { min: 3, max: 5 },
    },
  },
  {
    name: 'hello with a token',
    message: 'hello',
    value: { ...HELLO, token: 'sg_example-only-0123456789abcdefghijklmnopqrs' },
  },
  { name: 'permit', message: 'permit', value: PERMIT },
  {
    name: 'permit of a server of unknown version, after a wait',
    message: 'permit',
    value: {
      ...PERMIT,
      server: { id: 'pg', version: null },
      level: null,
      waitedMs: 1_500,
      notices: ['rs3 (4.12.0) is served around'],
    },
  },
  { name: 'wait', message: 'wait', value: WAIT },
  {
    name: 'wait without progress',
    message: 'wait',
    value: { code: 'NO_SERVER', reason: 'No server takes new sessions.', progress: null, deadlineMs: 0 },
  },
  { name: 'refuse', message: 'refuse', value: REFUSE },
  {
    name: 'refuse of a client that was not heard out',
    message: 'refuse',
    value: refusedBy('HANDSHAKE_TIMEOUT', 'No hello within 10 s.'),
  },
  { name: 'identify', message: 'identify', value: IDENTIFY },
  { name: 'serverHello', message: 'serverHello', value: SERVER_HELLO },
  {
    name: 'serverHello with defaults left out',
    message: 'serverHello',
    value: { id: 'rs1', version: '4.14.0' },
  },
  {
    name: 'serverHello of a server that leaves',
    message: 'serverHello',
    value: {
      id: 'rs1',
      version: '4.14.0-HBase-1.4',
      level: null,
      draining: true,
      protocol: { min: 1, max: 4 },
    },
  },
  {
    name: 'serverHello of a server that two ledgers asked for an upgrade under one token',
    message: 'serverHello',
    value: {
      ...SERVER_HELLO,
      ledgers: ['ledger-a', 'ledger-b'].map((id) => ({ id, token: 6 })),
    },
  },
  { name: 'open', message: 'open', value: OPEN },
  { name: 'upgradeRequest', message: 'upgradeRequest', value: NAMED_UPGRADE },
  {
    name: 'upgradeRequest of a gate that names no ledger',
    message: 'upgradeRequest',
    value: UPGRADE,
  },
  { name: 'upgradeProgress', message: 'upgradeProgress', value: { done: 0.25, text: 'part 1 of 4' } },
  { name: 'upgradeResult', message: 'upgradeResult', value: { level: 28, error: null } },
  {
    name: 'upgradeResult of a stale token',
    message: 'upgradeResult',
    value: { level: 28, error: 'token 7 is stale: token 8 was seen' },
  },
];

const PREFACES = [
  { name: 'this revision', revisions: REVISIONS },
  { name: 'a range', revisions: { min: 1, max: 3 } },
  { name: 'later revisions only', revisions: { min: 2, max: 255 } },
] as const;

const bytesOf = (part: Part): string => {
  if ('raw' in part) return part.raw;
  if ('preface' in part) return toHex(encodePreface(part.preface));
  return toHex(encodeMessage(part.message, part.value as never));
};

const step = (from: Peer, to: Peer, ...parts: Part[]): Step => ({
  from,
  to,
  hex: parts.map(bytesOf).join(''),
  parts,
});
const say = <Name extends MessageName>(message: Name, value: MessageInput<Name>): Part => ({
  message,
  value,
});
const one: Part = { preface: { min: 1, max: 1 } };
const identified = [
  step('gate', 'server', one, say('identify', IDENTIFY)),
  step('server', 'gate', one, say('serverHello', SERVER_HELLO)),
] as const;

const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'permit',
    about: 'The client sends early bytes behind its hello; the server gets them behind open, and answers.',
    steps: [
      step('client', 'gate', one, say('hello', HELLO), { raw: text('ping') }),
      ...identified,
      step('gate', 'server', say('open', OPEN), { raw: text('ping') }),
      step('gate', 'client', one, say('permit', PERMIT)),
      step('server', 'gate', { raw: text('pong') }),
      step('gate', 'client', { raw: text('pong') }),
    ],
  },
  {
    name: 'wait, then permit',
    about:
      'The gate sends its preface once, before its first message; the server speaks first in this session.',
    steps: [
      step('client', 'gate', one, say('hello', HELLO)),
      step('gate', 'client', one, say('wait', { ...WAIT, progress: null })),
      step('gate', 'client', say('wait', WAIT)),
      ...identified,
      step('gate', 'server', say('open', OPEN)),
      step('gate', 'client', say('permit', { ...PERMIT, waitedMs: 1_500 })),
      step('server', 'gate', { raw: text('welcome') }),
      step('gate', 'client', { raw: text('welcome') }),
    ],
  },
  {
    name: 'refuse',
    about: 'Then the gate closes; on WebSocket with close code 4002.',
    steps: [
      step('client', 'gate', one, say('hello', { ...HELLO, version: '4.15.0' })),
      step('gate', 'client', one, say('refuse', REFUSE)),
    ],
  },
  {
    name: 'no revision in common',
    about:
      'The gate answers the preface alone, with its whole range; refuse has the same layout in every revision.',
    steps: [
      step('client', 'gate', { preface: { min: 2, max: 3 } }),
      step(
        'gate',
        'client',
        { preface: REVISIONS },
        say(
          'refuse',
          refusedBy('PROTOCOL_UNSUPPORTED', 'The peer speaks protocol revision 2 to 3, this gate speaks 1.'),
        ),
      ),
    ],
  },
  {
    name: 'probe',
    about: 'The gate asks a server and closes.',
    steps: [
      step('gate', 'server', one, say('identify', { gate: 'main', purpose: 'probe' })),
      step('server', 'gate', one, say('serverHello', SERVER_HELLO)),
    ],
  },
  {
    name: 'upgrade',
    about: 'The gate asks for one step, hears of its progress and its result, and closes.',
    steps: [
      step('gate', 'server', one, say('identify', { gate: 'main', purpose: 'upgrade' })),
      step('server', 'gate', one, say('serverHello', { ...SERVER_HELLO, level: 27 })),
      step('gate', 'server', say('upgradeRequest', UPGRADE)),
      step('server', 'gate', say('upgradeProgress', { done: 0.5, text: 'part 1 of 2' })),
      step('server', 'gate', say('upgradeProgress', { done: 1, text: 'part 2 of 2' })),
      step('server', 'gate', say('upgradeResult', { level: 28, error: null })),
    ],
  },
  {
    name: 'upgrade with a stale token',
    about: 'The server has seen token 8: it changes nothing and says so.',
    steps: [
      step('gate', 'server', one, say('identify', { gate: 'main', purpose: 'upgrade' })),
      step('server', 'gate', one, say('serverHello', SERVER_HELLO)),
      step('gate', 'server', say('upgradeRequest', UPGRADE)),
      step(
        'server',
        'gate',
        say('upgradeResult', { level: 28, error: 'token 7 is stale: token 8 was seen' }),
      ),
    ],
  },
  {
    name: 'upgrade with a token that another ledger gave',
    about:
      'The server has seen token 7 of ledger-b: it changes nothing and says so. From then on its hello names both ledgers.',
    steps: [
      step('gate', 'server', one, say('identify', { gate: 'main', purpose: 'upgrade' })),
      step('server', 'gate', one, say('serverHello', OF_ANOTHER_LEDGER)),
      step('gate', 'server', say('upgradeRequest', NAMED_UPGRADE)),
      step('server', 'gate', say('upgradeResult', { level: 27, error: SEEN_BEFORE })),
    ],
  },
];

export function vectors(): Vectors {
  return {
    about:
      'Test vectors of the skewgate handshake; see README.md. In conversations, `hex` of a step is its parts in order. ' +
      'In badInputs, a receiver in `state` that is sent `hex` has to fault once it has read `at` bytes, not before; ' +
      '`at` null: it has to wait for more. In goodInputs, a receiver in `state` that is sent `hex` has to make `read` of it.',
    revision: REVISIONS.max,
    prefaces: PREFACES.map(({ name, revisions }) => ({
      name,
      hex: toHex(encodePreface(revisions)),
      revisions,
    })),
    messages: SAMPLES.map(({ name, message, value }) => {
      const frame = encodeMessage(message, value as never);
      const { type } = MESSAGES[message];
      return {
        name,
        message,
        type,
        hex: toHex(frame),
        value,
        read: decodeMessage(message, { type, payload: frame.subarray(5) }),
      };
    }),
    conversations: CONVERSATIONS,
    badInputs: BAD_INPUTS,
    goodInputs: GOOD_INPUTS,
  };
}
