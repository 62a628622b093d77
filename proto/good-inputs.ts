/** Bytes that a receiver has to accept although a careless one would not, written by hand, with what it then reads. */
import { forWire } from '../src/frontend/wire-limits.ts';
import { refusal } from '../src/policy/decision.ts';
import { decodeMessage, MESSAGES, type MessageName } from '../src/wire/messages.ts';
import { framed, type Receiver, valued } from './bad-inputs.ts';

export interface GoodInput {
  readonly name: string;
  readonly receiver: Receiver;
  /** As in the state diagrams of README.md. */
  readonly state: string;
  readonly message: MessageName;
  readonly hex: string;
  /** What the receiver makes of it, defaults filled in. */
  readonly read: unknown;
}

function good(name: string, receiver: Receiver, state: string, message: MessageName, hex: string): GoodInput {
  const payload = Buffer.from(hex, 'hex').subarray(5);
  const read = decodeMessage(message, { type: MESSAGES[message].type, payload });
  return { name, receiver, state, message, hex, read };
}

const hello = (name: string, payload: string) =>
  good(name, 'gate', 'hello', 'hello', framed('hello', payload));
const KEY = 'a7 76657273696f6e';
const VERSION = `${KEY} a6 342e31342e30`;
const UNKNOWN = 'a1 78';

const REFUSED = forWire(refusal('NO_SERVER', 'No server takes new sessions.', { rule: 'N1' }));

const WORDS: readonly GoodInput[] = [
  good(
    'a wait with an unknown code',
    'client',
    'awaiting',
    'wait',
    valued('wait', { code: 'QUOTA_WAIT', reason: '', progress: null, deadlineMs: 1_000 }),
  ),
  good(
    'a refuse with an unknown code: go by verdict and retry',
    'client',
    'awaiting',
    'refuse',
    valued('refuse', { ...REFUSED, code: 'QUOTA_EXCEEDED', retry: 'later', retryAfterMs: 5_000 }),
  ),
  good(
    'a refuse with an unknown rule',
    'client',
    'awaiting',
    'refuse',
    valued('refuse', { ...REFUSED, rule: 'Q1' }),
  ),
  good(
    'a refuse whose trace has an unknown rule and an unknown outcome',
    'client',
    'awaiting',
    'refuse',
    valued('refuse', { ...REFUSED, trace: [{ rule: 'Q1', outcome: 'defer', because: 'over the quota' }] }),
  ),
  good(
    'a refuse with an unknown vendor code',
    'client',
    'awaiting',
    'refuse',
    valued('refuse', { ...REFUSED, vendorCode: 2999, sqlState: 'INT99' }),
  ),
  good(
    'a refuse with fields of a later revision',
    'client',
    'awaiting',
    'refuse',
    valued('refuse', { ...REFUSED, quota: { limit: 10 }, observed: { ...REFUSED.observed, gates: 2 } }),
  ),
];

const FORMATS: readonly GoodInput[] = [
  hello('a string in its widest format', `81 ${KEY} db 00000006 342e31342e30`),
  hello('a map in its widest format', `df 00000001 ${VERSION}`),
  hello('a key in a wide format', '81 d9 07 76657273696f6e a6 342e31342e30'),
  hello(
    'integers as floats, and in their widest formats',
    `82 ${VERSION} a8 70726f746f636f6c 82 a3 6d696e cb 4008000000000000 a3 6d6178 cf 0000000000000005`,
  ),
  hello('a key that comes twice: the last one counts', `82 ${KEY} a6 342e31332e30 ${VERSION}`),
  hello(
    '33 properties of which one comes twice: 32 are left',
    `82 ${VERSION} aa 70726f70657274696573 de 0021 ${Array.from(
      { length: 33 },
      (_, at) => `a3 70${Buffer.from(String(at % 32).padStart(2, '0')).toString('hex')} a1 78`,
    ).join('')}`,
  ),
  hello('an unknown field', `82 ${VERSION} ${UNKNOWN} c0`),
  hello('an unknown field with an integer beyond 2^53', `82 ${VERSION} ${UNKNOWN} cf ffffffffffffffff`),
  hello('an unknown field that is not a number', `82 ${VERSION} ${UNKNOWN} cb 7ff8000000000000`),
  hello('an empty array inside eight arrays and maps', `82 ${VERSION} ${UNKNOWN} ${'91'.repeat(7)} 90`),
];

const VERSIONS: readonly GoodInput[] = [
  ...['0.0.0', '4.14.9007199254740991', '4.14.0-HBase-1.4', '4.14.0+git.abc_1', '4.14.0-007'].map((version) =>
    good(`the version ${version}`, 'gate', 'hello', 'hello', valued('hello', { version })),
  ),
  good(
    'a server that does not know its level',
    'gate-upstream',
    'identifying',
    'serverHello',
    valued('serverHello', { id: 'rs1', version: '4.14.0', level: null }),
  ),
];

export const GOOD_INPUTS: readonly GoodInput[] = [...WORDS, ...FORMATS, ...VERSIONS];
