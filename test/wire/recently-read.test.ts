import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, MESSAGES, type MessageInput } from '../../src/wire/messages.ts';
import { encodeValue } from '../../src/wire/msgpack.ts';
import { RecentlyRead } from '../../src/wire/recently-read.ts';

function read(hello: MessageInput<'hello'>) {
  const payload = encodeMessage('hello', hello).subarray(5);
  return decodeMessage('hello', { type: MESSAGES.hello.type, payload });
}

test('a client that says what another said is read the same, and nobody can change what the other one said', () => {
  const first = read({ version: '4.14.0', properties: { user: 'x' } });
  const second = read({ version: '4.14.0', properties: { user: 'x' } });
  expect(second).toBe(first);
  expect(() => Object.assign(second.properties, { user: 'y' })).toThrow(TypeError);
  expect(read({ version: '4.14.0', properties: { user: 'x' } })).toEqual({
    version: '4.14.0',
    driver: '',
    properties: { user: 'x' },
    upgrade: 'may',
  });
});

test('a hello that differs in one byte is not taken for another', () => {
  read({ version: '4.14.0' });
  expect(read({ version: '4.14.1' }).version).toBe('4.14.1');
  expect(read({ version: '4.14.0', properties: { user: '\u00e9' } }).properties.user).toBe('\u00e9');
  expect(read({ version: '4.14.0', properties: { user: '\u00e8' } }).properties.user).toBe('\u00e8');
});

test('the same bytes mean in each kind of message what they mean there', () => {
  const payload = encodeMessage('hello', { version: '4.14.0' }).subarray(5);
  expect(decodeMessage('hello', { type: MESSAGES.hello.type, payload })).not.toHaveProperty('id');
  expect(() => decodeMessage('serverHello', { type: MESSAGES.serverHello.type, payload })).toThrow(/id/);
});

test('what many different peers say does not fill the memory', () => {
  const recent = new RecentlyRead(512);
  const payloadOf = (number: number) => Buffer.from(`payload ${number}`);
  for (let number = 0; number < 1_000; number++) recent.keep(payloadOf(number), { number });
  const kept = Array.from({ length: 1_000 }, (_, number) => recent.get(payloadOf(number)));
  expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(256);
  expect(recent.get(payloadOf(999))).toEqual({ number: 999 });
  recent.keep(Buffer.alloc(513), {});
  expect(recent.get(Buffer.alloc(513))).toBeUndefined();
});

const decision = {
  verdict: 'permit',
  code: 'PERMITTED',
  rule: 'P1',
  client: '4.14.0',
  observed: { oldest: '4.14.0', newest: '4.14.0', level: 28 },
  move: null,
  retry: 'never',
  retryAfterMs: null,
  vendorCode: null,
  sqlState: null,
  message: 'Client 4.14.0 is admitted.',
  notes: [],
  trace: [{ rule: 'J1', outcome: 'pass', because: 'client and servers share one major' }],
} as const;
const permit = {
  session: 's-1',
  server: { id: 'rs1', version: '4.14.0' },
  level: 28,
  waitedMs: 0,
  notices: [],
  decision,
};

/** A permit as a map of these entries, in this order. */
function readPermit(entries: ReadonlyArray<readonly [string, unknown]>) {
  const parts = entries.flatMap(([key, value]) => [
    Buffer.from(encodeValue(key)),
    Buffer.from(encodeValue(value)),
  ]);
  const payload = Buffer.concat([Buffer.of(0x80 + entries.length), ...parts]);
  return decodeMessage('permit', { type: MESSAGES.permit.type, payload });
}

test('clients that are admitted alike share what was decided, and each has a session of its own', () => {
  const [first, second] = ['s-1', 's-2'].map((session) => readPermit(Object.entries({ ...permit, session })));
  expect(first).toEqual(permit);
  expect(second).toEqual({ ...permit, session: 's-2' });
  expect(second?.decision).toBe(first?.decision);
  expect(() => Object.assign(second?.decision ?? {}, { code: 'OTHER' })).toThrow(TypeError);
  const otherwise = { ...permit, decision: { ...decision, rule: 'M2' } };
  expect(readPermit(Object.entries(otherwise)).decision.rule).toBe('M2');
});

test('a permit whose decision is known is checked as much as any other', () => {
  readPermit(Object.entries(permit));
  expect(() => readPermit(Object.entries({ ...permit, waitedMs: -1 }))).toThrow(/^permit\.waitedMs: /);
  expect(() => readPermit(Object.entries({ ...permit, server: null }))).toThrow(/^permit\.server: /);
  const { decision: _, ...undecided } = permit;
  expect(() => readPermit(Object.entries(undecided))).toThrow(/^permit\.decision: /);
  expect(() => readPermit(Object.entries({ ...permit, decision: null }))).toThrow(/^permit\.decision: /);
});

test('a permit with two decisions, or one in another field, is read as if none was known', () => {
  readPermit(Object.entries(permit));
  const other = { ...decision, rule: 'M2' };
  expect(readPermit([...Object.entries(permit), ['decision', other]]).decision.rule).toBe('M2');
  expect(
    readPermit([['indecision', decision], ...Object.entries({ ...permit, decision: other })]).decision.rule,
  ).toBe('M2');
});
