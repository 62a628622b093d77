/** Packets of MySQL before a client is let in: read the same however they are cut, never beyond their end. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CAPABILITIES,
  errorPacket,
  MAX_PACKET,
  PacketFault,
  PacketReader,
  packetOf,
  parseGreeting,
  parseResponse,
  withoutTls,
} from '../../src/wire/mysql.ts';
import { chunkSizes, chunksBy } from '../support/chunks.ts';

/** Of MariaDB 10.11 as Debian has it. */
const GREETING = packetOf(
  0,
  Buffer.concat([
    Buffer.from('\x0a5.5.5-10.11.6-MariaDB\0', 'latin1'),
    Buffer.from([7, 0, 0, 0]),
    Buffer.from('12345678\0'),
    Buffer.from([0xfe, 0xff, 0x2d, 2, 0, 0xff, 0x81, 21, 0, 0, 0, 0, 0, 0, 0x1d, 0, 0, 0]),
    Buffer.from('abcdefghijkl\0mysql_native_password\0'),
  ]),
);

const counted = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const ALL = Object.values(CAPABILITIES).reduce((sum, bit) => sum | bit, 0) & ~CAPABILITIES.tls;

function response(parts: readonly Buffer[], capabilities = ALL): Buffer {
  const fixed = Buffer.alloc(32);
  fixed.writeUInt32LE(capabilities, 0);
  return packetOf(1, Buffer.concat([fixed, ...parts]));
}

const ATTRIBUTES = Buffer.concat(['_client_name', 'x', 'program_name', 'shop/4.15.0'].map(counted));
const RESPONSE = response([
  Buffer.from('app\0'),
  counted('p'.repeat(20)),
  Buffer.from('shop\0mysql_native_password\0'),
  Buffer.from([ATTRIBUTES.length]),
  ATTRIBUTES,
]);

function packetIn(...chunks: readonly Uint8Array[]) {
  const reader = new PacketReader();
  for (const chunk of chunks) reader.add(chunk);
  const packet = reader.next();
  if (packet === null) throw new Error('the packet is not complete');
  return packet;
}

describe('a packet', () => {
  test('is the same however it is cut, and what follows is left', () => {
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        const reader = new PacketReader();
        const found = [];
        for (const chunk of chunksBy(Buffer.concat([GREETING, RESPONSE, Buffer.from('+++')]), sizes)) {
          reader.add(chunk);
          for (let packet = reader.next(); packet !== null; packet = reader.next()) found.push(packet.bytes);
        }
        expect(found).toEqual([GREETING, RESPONSE]);
        expect(reader.rest().toString()).toBe('+++');
      }),
    );
  });

  test('that says it is too long is refused by its header', () => {
    const reader = new PacketReader();
    const header = Buffer.alloc(4);
    header.writeUIntLE(MAX_PACKET, 0, 3);
    reader.add(header);
    expect(() => reader.next()).toThrow(PacketFault);
  });
});

describe('a greeting', () => {
  test('has version, salt and plugin', () => {
    expect(parseGreeting(packetIn(GREETING))).toEqual({
      version: '5.5.5-10.11.6-MariaDB',
      salt: Buffer.from('12345678abcdefghijkl'),
      plugin: 'mysql_native_password',
    });
  });

  test('is handed on without the offer of TLS, and otherwise byte for byte', () => {
    const handedOn = withoutTls(packetIn(GREETING));
    const changed = [...GREETING.entries()].filter(([at, byte]) => handedOn[at] !== byte);
    expect(changed).toEqual([[4 + 23 + 14, 0xff]]);
    expect(handedOn[4 + 23 + 14]).toBe(0xf7);
  });

  test('of a server that turns the gate away is an error with its words', () => {
    const blocked = packetIn(errorPacket(0, 1129, null, "Host 'x' is blocked"));
    expect(() => parseGreeting(blocked)).toThrow("The server says: Host 'x' is blocked.");
  });
});

describe('a response', () => {
  test('says user, database and attributes', () => {
    const { user, database, attributes } = parseResponse(packetIn(RESPONSE));
    expect({ user, database, attributes: Object.fromEntries(attributes) }).toEqual({
      user: 'app',
      database: 'shop',
      attributes: { _client_name: 'x', program_name: 'shop/4.15.0' },
    });
  });

  test('for another server differs in the proof of the password and how it was made', () => {
    const other = parseResponse(packetIn(RESPONSE)).withAuthentication(Buffer.from('qq'), 'ed25519');
    const expected = response([
      Buffer.from('app\0'),
      counted('qq'),
      Buffer.from('shop\0ed25519\0'),
      Buffer.from([ATTRIBUTES.length]),
      ATTRIBUTES,
    ]);
    expect(packetOf(1, other)).toEqual(expected);
  });

  test('of an old client has what it has', () => {
    const old = response([Buffer.from('app\0'), Buffer.from('proof\0')], CAPABILITIES.protocol41);
    expect(parseResponse(packetIn(old))).toMatchObject({
      user: 'app',
      database: null,
      attributes: new Map(),
    });
  });

  test('that asks for TLS is none', () => {
    const asked = response([], CAPABILITIES.protocol41 | CAPABILITIES.tls);
    expect(() => parseResponse(packetIn(asked))).toThrow('TLS, which is not offered');
  });

  test('that is cut short, or random, is a fault and nothing else', () => {
    const cut = fc.integer({ min: 0, max: RESPONSE.length - 5 }).map((end) => RESPONSE.subarray(4, 4 + end));
    fc.assert(
      fc.property(fc.oneof(cut, fc.uint8Array({ maxLength: 300 })), (payload) => {
        try {
          expect(parseResponse(packetIn(packetOf(1, payload))).user).toEqual(expect.any(String));
        } catch (error) {
          expect(error).toBeInstanceOf(PacketFault);
        }
      }),
    );
  });
});
