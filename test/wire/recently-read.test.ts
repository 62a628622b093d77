import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, MESSAGES, type MessageInput } from '../../src/wire/messages.ts';
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
  const recent = new RecentlyRead();
  const payloadOf = (number: number) => Buffer.from(`payload ${number}`);
  for (let number = 0; number < 1_000; number++) recent.keep(payloadOf(number), { number });
  const kept = Array.from({ length: 1_000 }, (_, number) => recent.get(payloadOf(number)));
  expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(256);
  expect(recent.get(payloadOf(999))).toEqual({ number: 999 });
  recent.keep(Buffer.alloc(513), {});
  expect(recent.get(Buffer.alloc(513))).toBeUndefined();
});
