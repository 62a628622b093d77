/** Bytes that a receiver has to refuse, written by hand: expected code, and after how many bytes it is known. */
import { forWire } from '../src/frontend/wire-limits.ts';
import { refusal } from '../src/policy/decision.ts';
import type { WireFault } from '../src/wire/fault.ts';
import { MESSAGES, type MessageName } from '../src/wire/messages.ts';
import { encodeValue } from '../src/wire/msgpack.ts';

export type Receiver = 'client' | 'gate' | 'server' | 'gate-upstream';

export interface BadInput {
  readonly name: string;
  readonly receiver: Receiver;
  /** As in the state diagrams of README.md. */
  readonly state: string;
  readonly hex: string;
  /** Number of bytes after which it is known; null: it never is, the rest is missing. */
  readonly at: number | null;
  readonly code: WireFault['code'] | null;
  /** For people: what this code says. */
  readonly message: string | null;
}

const join = (hex: string) => hex.replaceAll(' ', '');
const ascii = (text: string) => Buffer.from(text).toString('hex');

function bad(
  name: string,
  receiver: Receiver,
  state: string,
  hex: string,
  message: string,
  { at, code = 'BAD_HANDSHAKE' }: { at?: number; code?: WireFault['code'] } = {},
): BadInput {
  const bytes = join(hex);
  return { name, receiver, state, hex: bytes, at: at ?? bytes.length / 2, code, message };
}

const unfinished = (name: string, receiver: Receiver, state: string, hex: string): BadInput => ({
  name,
  receiver,
  state,
  hex: join(hex),
  at: null,
  code: null,
  message: null,
});

/** A frame with this payload, right length. */
export function framed(message: MessageName, payload: string): string {
  const bytes = join(payload);
  const length = (bytes.length / 2).toString(16).padStart(8, '0');
  return `${MESSAGES[message].type.toString(16).padStart(2, '0')}${length}${bytes}`;
}

/** A frame with this value, whatever the schema says. */
export const valued = (message: MessageName, value: unknown) =>
  framed(message, Buffer.from(encodeValue(value)).toString('hex'));

const hello = (payload: string) => framed('hello', payload);
const version = 'a7 76657273696f6e';

const STRAYS: readonly BadInput[] = [
  bad(
    'HTTP/1.1',
    'gate',
    'preface',
    ascii('GET / HTTP/1.1\r\n'),
    'the peer speaks HTTP, not the skewgate handshake',
    {
      at: 1,
    },
  ),
  bad(
    'HTTP/2',
    'gate',
    'preface',
    ascii('PRI * HTTP/2.0\r\n'),
    'the peer speaks HTTP, not the skewgate handshake',
    {
      at: 1,
    },
  ),
  bad('TLS', 'gate', 'preface', '16 03 01 02 00 01', 'the peer speaks TLS, not the skewgate handshake', {
    at: 1,
  }),
  bad('SSH', 'gate', 'preface', ascii('ssh-2.0'), 'the first bytes are not a skewgate preface', { at: 1 }),
  bad(
    'a wrong magic',
    'gate',
    'preface',
    'f5 53 4b 48 01 01 00 00',
    'the first bytes are not a skewgate preface',
    {
      at: 4,
    },
  ),
  bad(
    'an empty range of revisions',
    'gate',
    'preface',
    'f5 53 4b 47 02 01 00 00',
    'the first bytes are not a skewgate preface',
  ),
  bad(
    'revision 0',
    'gate',
    'preface',
    'f5 53 4b 47 00 01 00 00',
    'the first bytes are not a skewgate preface',
  ),
  bad(
    'an HTTP server',
    'client',
    'greeting',
    ascii('HTTP/1.1 400 Bad Request'),
    'the peer speaks HTTP, not the skewgate handshake',
    {
      at: 1,
    },
  ),
  bad(
    'an HTTP server',
    'gate-upstream',
    'greeting',
    ascii('HTTP/1.1 400 Bad Request'),
    'the peer speaks HTTP, not the skewgate handshake',
    {
      at: 1,
    },
  ),
  bad(
    'a client where a gate is expected',
    'server',
    'preface',
    ascii('GET /'),
    'the peer speaks HTTP, not the skewgate handshake',
    {
      at: 1,
    },
  ),
];

const REVISION_FAULTS: readonly BadInput[] = [
  bad(
    'later revisions only',
    'gate',
    'preface',
    'f5 53 4b 47 02 03 00 00',
    'the peer speaks protocol revision 2 to 3, this gate speaks 1',
    {
      code: 'PROTOCOL_UNSUPPORTED',
    },
  ),
  bad(
    'a wait in a revision that this client does not speak',
    'client',
    'greeting',
    `f5 53 4b 47 02 02 00 00 ${valued('wait', { code: 'PAUSED', reason: '', progress: null, deadlineMs: 0 })}`,
    'no protocol revision in common with the gate',
    { code: 'PROTOCOL_UNSUPPORTED' },
  ),
  bad(
    'later revisions only',
    'server',
    'preface',
    'f5 53 4b 47 02 03 00 00',
    'no protocol revision in common',
    {
      code: 'PROTOCOL_UNSUPPORTED',
    },
  ),
  bad(
    'later revisions only',
    'gate-upstream',
    'greeting',
    'f5 53 4b 47 02 03 00 00',
    'the server speaks protocol revision 2 to 3',
    {
      code: 'PROTOCOL_UNSUPPORTED',
    },
  ),
];

const FRAME_FAULTS: readonly BadInput[] = [
  bad('an unknown frame type', 'gate', 'hello', '7f 00000001 c0', 'unexpected frame type 0x7f', { at: 1 }),
  bad("another peer's message", 'gate', 'hello', '02 00000001 c0', 'unexpected frame type 0x2', { at: 1 }),
  bad(
    'a frame of 4 GiB',
    'gate',
    'hello',
    '01 ffffffff',
    'a frame of 4294967295 bytes is over the limit of 65536',
  ),
  bad(
    'a frame one byte over the limit',
    'gate',
    'hello',
    '01 00010001',
    'a frame of 65537 bytes is over the limit of 65536',
  ),
  bad("a client's hello to a client", 'client', 'awaiting', '01 00000001 80', 'unexpected frame type 0x1', {
    at: 1,
  }),
  bad(
    'open before identify',
    'server',
    'identify',
    valued('open', {}),
    'a message out of order (state identify)',
  ),
  bad(
    'a second identify',
    'server',
    'known',
    valued('identify', { gate: 'main', purpose: 'probe' }),
    'a message out of order (state known)',
  ),
  bad(
    'progress of an upgrade that nobody asked for',
    'gate-upstream',
    'known',
    valued('upgradeProgress', { done: 1, text: '' }),
    'the server sent a message out of order (known)',
  ),
  bad(
    'a result of an upgrade that nobody asked for',
    'gate-upstream',
    'known',
    valued('upgradeResult', { level: null, error: null }),
    'the server sent a message out of order (known)',
  ),
  bad(
    'a second serverHello',
    'gate-upstream',
    'known',
    valued('serverHello', { id: 'rs1', version: '4.14.0' }),
    'the server sent a message out of order (known)',
  ),
];

const PAYLOAD_FAULTS: readonly BadInput[] = [
  bad('an empty payload', 'gate', 'hello', hello(''), 'the payload ends inside a value'),
  bad(
    'a map cut short',
    'gate',
    'hello',
    hello(`82 ${version} a6 342e31342e30`),
    'the payload ends inside a value',
  ),
  bad(
    'bytes behind the value',
    'gate',
    'hello',
    hello(`81 ${version} a6 342e31342e30 c0`),
    'bytes follow the message in its frame',
  ),
  bad(
    'a string longer than its frame',
    'gate',
    'hello',
    hello(`81 ${version} db ffffffff 34`),
    'a value is longer than its frame',
  ),
  bad(
    'an array of 4294967295 items',
    'gate',
    'hello',
    hello('dd ffffffff'),
    'the payload ends inside a value',
  ),
  bad(
    'a map of 4294967295 entries',
    'gate',
    'hello',
    hello('df ffffffff'),
    'the payload ends inside a value',
  ),
  bad(
    'arrays in arrays in arrays',
    'gate',
    'hello',
    hello(`${'91'.repeat(9)}c0`),
    'values nest deeper than 8',
  ),
  bad(
    'an array with something in it inside eight arrays and maps',
    'gate',
    'hello',
    hello(`82 ${version} a6 342e31342e30 a1 78 ${'91'.repeat(8)} c0`),
    'values nest deeper than 8',
  ),
  bad(
    'the property __proto__',
    'gate',
    'hello',
    hello(`82 ${version} a6 342e31342e30 aa 70726f70657274696573 81 a9 5f5f70726f746f5f5f a1 78`),
    'the map key __proto__ is not allowed',
  ),
  bad(
    'the key __proto__ in an unknown field, in a wide format',
    'gate',
    'hello',
    hello(`82 ${version} a6 342e31342e30 a1 78 81 db 00000009 5f5f70726f746f5f5f c0`),
    'the map key __proto__ is not allowed',
  ),
  bad('a key that is a number', 'gate', 'hello', hello('81 01 c0'), 'a map key is not a string'),
  bad(
    'an extension type',
    'gate',
    'hello',
    hello('d4 00 00'),
    'MessagePack type 0xd4 is not used by this protocol',
  ),
  bad(
    'a byte string',
    'gate',
    'hello',
    hello(`81 ${version} c4 01 34`),
    'MessagePack type 0xc4 is not used by this protocol',
  ),
  bad(
    'the byte that MessagePack never uses',
    'gate',
    'hello',
    hello('c1'),
    'MessagePack type 0xc1 is not used by this protocol',
  ),
  bad('a string that is not UTF-8', 'gate', 'hello', hello(`81 ${version} a2 c328`), 'a string is not UTF-8'),
];

const REFUSED = forWire(refusal('NO_SERVER', 'No server takes new sessions.'));

const FIELD_FAULTS: readonly BadInput[] = [
  bad(
    'a hello that is no map',
    'gate',
    'hello',
    hello('93 01 02 03'),
    'hello: Invalid input: expected object, received array',
  ),
  bad(
    'a hello without version',
    'gate',
    'hello',
    valued('hello', { driver: 'x' }),
    'hello.version: Invalid input: expected string, received undefined',
  ),
  bad(
    'a version that is a number',
    'gate',
    'hello',
    valued('hello', { version: 4.14 }),
    'hello.version: Invalid input: expected string, received number',
  ),
  bad(
    'nil is not absent',
    'gate',
    'hello',
    valued('hello', { version: '4.14.0', driver: null }),
    'hello.driver: Invalid input: expected string, received null',
  ),
  bad(
    'a version of 65 characters',
    'gate',
    'hello',
    valued('hello', { version: `4.14.0-${'x'.repeat(58)}` }),
    'hello.version: Too big: expected string to have <=64 characters',
  ),
  ...[
    '4.14',
    '4.14.0.0',
    'v4.14.0',
    '04.14.0',
    '4.14.9007199254740992',
    '4.14.0rc1',
    '4.14.0-',
    '4.14.0-a b',
  ].map((text) =>
    bad(
      `the version ${text}`,
      'gate',
      'hello',
      valued('hello', { version: text }),
      `hello.version: ${JSON.stringify(text)} is not a version`,
    ),
  ),
  bad(
    'a version that is none',
    'gate-upstream',
    'identifying',
    valued('serverHello', { id: 'rs1', version: 'four' }),
    'serverHello.version: "four" is not a version',
  ),
  bad(
    '33 properties',
    'gate',
    'hello',
    valued('hello', {
      version: '4.14.0',
      properties: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`p${at}`, ''])),
    }),
    'hello.properties: at most 32 properties',
  ),
  bad(
    'a property that is no string',
    'gate',
    'hello',
    valued('hello', { version: '4.14.0', properties: { user: 1 } }),
    'hello.properties.user: Invalid input: expected string, received number',
  ),
  bad(
    'an unknown word',
    'gate',
    'hello',
    valued('hello', { version: '4.14.0', upgrade: 'perhaps' }),
    'hello.upgrade: Invalid option: expected one of "may"|"must-not"',
  ),
  bad(
    'a range upside down',
    'gate',
    'hello',
    valued('hello', { version: '4.14.0', protocol: { min: 5, max: 3 } }),
    'hello.protocol: min is over max',
  ),
  bad(
    'a code of 65 characters',
    'client',
    'awaiting',
    valued('wait', { code: 'X'.repeat(65), reason: '', progress: null, deadlineMs: 0 }),
    'wait.code: Too big: expected string to have <=64 characters',
  ),
  bad(
    'an empty code',
    'client',
    'awaiting',
    valued('wait', { code: '', reason: '', progress: null, deadlineMs: 0 }),
    'wait.code: Too small',
  ),
  ...[
    ['verdict', { ...REFUSED, verdict: 'perhaps' }, 'refuse.verdict'],
    ['retry', { ...REFUSED, retry: 'perhaps' }, 'refuse.retry'],
    ['side to move', { ...REFUSED, move: { side: 'router', to: '', who: [] } }, 'refuse.move.side'],
  ].map(([what, value, field]) =>
    bad(
      `an unknown ${what}: these words are closed`,
      'client',
      'awaiting',
      valued('refuse', value),
      `${field}: Invalid option`,
    ),
  ),
  bad(
    'progress over 1',
    'client',
    'awaiting',
    valued('wait', { code: 'PAUSED', reason: '', progress: 1.5, deadlineMs: 0 }),
    'wait.progress: Too big: expected number to be <=1',
  ),
  bad(
    'a permit without fields',
    'client',
    'awaiting',
    valued('permit', {}),
    'permit.session: Invalid input: expected string, received undefined',
  ),
  bad(
    'a level that is no integer',
    'gate-upstream',
    'identifying',
    valued('serverHello', { id: 'rs1', version: '4.14.0', level: 27.5 }),
    'serverHello.level: Invalid input: expected int, received number',
  ),
  bad(
    'a ledger without its token',
    'gate-upstream',
    'identifying',
    valued('serverHello', { id: 'rs1', version: '4.14.0', ledgers: [{ id: 'ledger-a' }] }),
    'serverHello.ledgers.0.token: Invalid input: expected number, received undefined',
  ),
  bad(
    'nine ledgers',
    'gate-upstream',
    'identifying',
    valued('serverHello', {
      id: 'rs1',
      version: '4.14.0',
      ledgers: Array.from({ length: 9 }, (_, at) => ({ id: `ledger-${at}`, token: 1 })),
    }),
    'serverHello.ledgers: Too big: expected array to have <=8 items',
  ),
  bad(
    'a purpose that does not exist',
    'server',
    'identify',
    valued('identify', { gate: 'main', purpose: 'spy' }),
    'identify.purpose: Invalid option: expected one of "probe"|"session"|"upgrade"',
  ),
  bad(
    'a token below 0',
    'server',
    'known',
    valued('upgradeRequest', {
      from: null,
      to: '4.14.0',
      fromLevel: 27,
      toLevel: 28,
      step: 1,
      attempt: 1,
      token: -1,
      key: '27-28',
    }),
    'upgradeRequest.token: Too small: expected number to be >=0',
  ),
];

export const BAD_INPUTS: readonly BadInput[] = [
  ...STRAYS,
  ...REVISION_FAULTS,
  ...FRAME_FAULTS,
  ...PAYLOAD_FAULTS,
  ...FIELD_FAULTS,
  unfinished('half a preface', 'gate', 'preface', 'f5 53 4b'),
  unfinished('half a header', 'gate', 'hello', '01 0000'),
  unfinished('a frame whose rest is missing', 'gate', 'hello', '01 00010000 81'),
  unfinished('a header and nothing behind', 'client', 'awaiting', '02 00000010'),
];
