/** A client's secret on its way in: only the one who asks for it gets it, and nothing remembers it. */
import { expect, test } from 'vitest';
import { GateHandshake } from '../../src/handshake/gate.ts';
import { FrameReader } from '../../src/wire/frame.ts';
import { decodeMessage, encodeMessage, isTypeOf } from '../../src/wire/messages.ts';
import { helloBytes } from '../support/raw-client.ts';

const TOKEN = 'sg_0123456789abcdefghijklmnopqrstuvwxyz';

function heard(bytes: Uint8Array) {
  const event = new GateHandshake().receive(bytes);
  if (event === null) throw new Error('the hello is not complete');
  return event;
}

test('the token is apart from the hello, which is recorded and passed on', () => {
  const { hello, token } = heard(helloBytes('4.14.0', { token: TOKEN, properties: { user: 'ada' } }));
  expect(token).toBe(TOKEN);
  expect(JSON.stringify(hello)).not.toContain(TOKEN);
  expect(hello).toEqual({ version: '4.14.0', driver: 'raw', properties: { user: 'ada' }, upgrade: 'may' });
});

test('clients without one share what was read of them; a hello with one is remembered by nobody', () => {
  const read = (token?: string) => {
    const reader = new FrameReader(isTypeOf('hello'));
    reader.push(encodeMessage('hello', { version: '4.14.0', ...(token !== undefined && { token }) }));
    const frame = reader.next();
    if (frame === null) throw new Error('no frame');
    return decodeMessage('hello', frame);
  };
  expect(read()).toBe(read());
  expect(read(TOKEN)).toEqual(read(TOKEN));
  expect(read(TOKEN)).not.toBe(read(TOKEN));
  expect(Object.isFrozen(read(TOKEN))).toBe(true);
});

test('a token that is too long, or none, is a fault that does not quote it', () => {
  const tooLong = TOKEN.repeat(20);
  expect(() => heard(helloBytes('4.14.0', { token: tooLong }))).toThrow(/^hello\.token: (?!.*sg_)/);
  expect(() => heard(helloBytes('4.14.0', { token: '' }))).toThrow(/^hello\.token: /);
});
