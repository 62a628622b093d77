/**
 * What of MySQL's and MariaDB's protocol both ends of the gate need: packets, the greeting of a server, the response of
 * a client, and the answers of an authentication. No I/O. Lengths are checked before anything is kept.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */

/** The longest packet before somebody is logged in, bytes: MySQL's own limit for connection attributes is 64 KiB. */
export const MAX_PACKET = 98_304;
const HEADER = 4;

/** Capabilities that both sides have to agree on. */
export const CAPABILITIES = {
  /** Of MySQL's own clients; without it a client is MariaDB's, with further capabilities. */
  mysql: 1 << 0,
  connectWithDb: 1 << 3,
  protocol41: 1 << 9,
  tls: 1 << 11,
  secureConnection: 1 << 15,
  pluginAuth: 1 << 19,
  connectAttributes: 1 << 20,
  authLength: 1 << 21,
} as const;

/** The peer's bytes are not this protocol; the message is a sentence. */
export class PacketFault extends Error {
  override readonly name = 'PacketFault';
}

/** One packet. */
export interface Packet {
  readonly sequence: number;
  readonly payload: Buffer;
  /** With its header, as it came. */
  readonly bytes: Buffer;
}

/** Finds packets in what one side sends. */
export class PacketReader {
  #held: Buffer = Buffer.alloc(0);

  /** Whether nothing is held. */
  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Takes more bytes. */
  add(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
  }

  /** The next packet; null: more bytes are needed. @throws {PacketFault} if it is too long */
  next(): Packet | null {
    const held = this.#held;
    if (held.length < HEADER) return null;
    const end = HEADER + held.readUIntLE(0, 3);
    if (end > MAX_PACKET) throw new PacketFault(`These are no bytes of MySQL: a packet of ${end} bytes.`);
    if (held.length < end) return null;
    this.#held = held.subarray(end);
    return { sequence: held[3] as number, payload: held.subarray(HEADER, end), bytes: held.subarray(0, end) };
  }

  /** What is held and is no packet yet, given back. */
  rest(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }
}

/** A packet with its header. */
export function packetOf(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence & 0xff;
  return Buffer.concat([header, payload]);
}

/** ERR. @param sqlState null: the client has not said yet that it knows such states */
export function errorPacket(
  sequence: number,
  code: number,
  sqlState: string | null,
  message: string,
): Buffer {
  const head = Buffer.from([0xff, code & 0xff, code >> 8]);
  return packetOf(
    sequence,
    Buffer.concat([head, Buffer.from(`${sqlState === null ? '' : `#${sqlState}`}${message}`)]),
  );
}

/** What a server says first. */
export interface Greeting {
  /** As it says it: `5.5.5-10.11.6-MariaDB`. */
  readonly version: string;
  /** 20 bytes with which a client proves that it knows the password. */
  readonly salt: Buffer;
  /** The way to authenticate that the server prefers. */
  readonly plugin: string;
}

const GREETING_FIXED = 31;
/** Behind the version: thread id, 8 bytes of salt, a zero, then the lower half of the capabilities. */
const CAPABILITIES_AT = 13;

/** @throws {PacketFault} if the server turned the gate away, or it is none */
export function parseGreeting({ payload }: Packet): Greeting {
  if (payload[0] === 0xff) throw new PacketFault(`The server says: ${payload.toString('utf8', 3)}.`);
  const end = payload.indexOf(0, 1);
  if (payload[0] !== 10 || end < 0 || payload.length < end + 1 + GREETING_FIXED + 12)
    throw new PacketFault('The server did not greet as MySQL and MariaDB do.');
  const at = end + 1;
  const salt = Buffer.concat([
    payload.subarray(at + 4, at + 12),
    payload.subarray(at + GREETING_FIXED, at + GREETING_FIXED + 12),
  ]);
  const plugin = payload.toString('latin1', at + GREETING_FIXED + 13).replace(/\0.*$/s, '');
  return { version: payload.toString('latin1', 1, end), salt, plugin: plugin || 'mysql_native_password' };
}

/** The same greeting, without the offer of TLS. @param packet passed `parseGreeting` */
export function withoutTls({ bytes }: Packet): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(0, HEADER + 1) + 1 + CAPABILITIES_AT;
  copy.writeUInt16LE(copy.readUInt16LE(at) & ~CAPABILITIES.tls, at);
  return copy;
}

/** What a client answers. */
export interface HandshakeResponse {
  readonly capabilities: number;
  readonly user: string;
  readonly database: string | null;
  readonly attributes: ReadonlyMap<string, string>;
  /** The same for another server: with another proof, made the way that is named. */
  withAuthentication(proof: Uint8Array, plugin: string): Buffer;
}

/** Of the response: capabilities, longest packet, character set, and what is reserved. */
const RESPONSE_FIXED = 32;

/** @throws {PacketFault} if it is none, or a request for TLS */
export function parseResponse({ payload }: Packet): HandshakeResponse {
  const cursor = new Cursor(payload);
  const capabilities = cursor.take(RESPONSE_FIXED).readUInt32LE(0);
  const has = (bit: number) => (capabilities & bit) !== 0;
  if (payload.length === RESPONSE_FIXED && has(CAPABILITIES.tls))
    throw new PacketFault('The client asked for TLS, which is not offered here.');
  if (!has(CAPABILITIES.protocol41))
    throw new PacketFault('The client speaks a protocol from before MySQL 4.1.');
  const user = cursor.text();
  const from = cursor.at;
  if (has(CAPABILITIES.authLength)) cursor.counted();
  else if (has(CAPABILITIES.secureConnection)) cursor.take(cursor.take(1)[0] as number);
  else cursor.text();
  const to = cursor.at;
  // Some clients leave out what is empty at the end.
  const database = has(CAPABILITIES.connectWithDb) && !cursor.isAtEnd ? cursor.text() : null;
  const betweenEnd = cursor.at;
  if (has(CAPABILITIES.pluginAuth) && !cursor.isAtEnd) cursor.text();
  const pluginEnd = cursor.at;
  const attributes =
    has(CAPABILITIES.connectAttributes) && !cursor.isAtEnd ? readAttributes(cursor) : new Map();
  return {
    capabilities,
    user,
    database,
    attributes,
    withAuthentication: (proof, plugin) =>
      Buffer.concat([
        payload.subarray(0, from),
        // Proofs are at most 255 bytes long at this point, and their length is then spelt alike.
        Buffer.from([proof.length]),
        proof,
        payload.subarray(to, betweenEnd),
        Buffer.from(`${plugin}\0`),
        payload.subarray(pluginEnd),
      ]),
  };
}

function readAttributes(cursor: Cursor): Map<string, string> {
  const within = new Cursor(cursor.counted());
  const attributes = new Map<string, string>();
  while (!within.isAtEnd) {
    const key = within.counted().toString();
    attributes.set(key, within.counted().toString());
  }
  return attributes;
}

/** Reads a payload from its beginning. */
class Cursor {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new PacketFault('The client sent a packet that ends too early.');
    const taken = this.#bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** Up to a zero. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0) throw new PacketFault('The client sent a text without an end.');
    const text = this.#bytes.toString('utf8', this.at, end);
    this.at = end + 1;
    return text;
  }

  /** With its length before it. */
  counted(): Buffer {
    const first = this.take(1)[0] as number;
    if (first < 0xfb) return this.take(first);
    if (first === 0xfc) return this.take(this.take(2).readUInt16LE(0));
    if (first === 0xfd) return this.take(this.take(3).readUIntLE(0, 3));
    throw new PacketFault('The client sent a length that is none.');
  }
}
