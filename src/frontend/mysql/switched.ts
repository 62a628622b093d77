/**
 * A server that a client goes on with after it was greeted by another one: what the client proved its password with was
 * that server's. To the client it is as if the one server had changed its mind about how to authenticate: it is asked
 * again (AuthSwitchRequest) with what this server greeted with. Packets of the authentication are numbered, so until
 * it is over their numbers are moved.
 */
import { ForwardingConnection } from '../../ports/forwarding.ts';
import type { Connection, ConnectionHandlers } from '../../ports/transport.ts';
import {
  type HandshakeResponse,
  type Packet,
  PacketFault,
  PacketReader,
  packetOf,
  parseGreeting,
} from '../../wire/mysql.ts';

/** Request and answer of the switch, of which this server knows nothing. */
const AHEAD = 2;
const [OK, ERROR, SWITCH] = [0x00, 0xff, 0xfe] as const;

/** The connection to that server, as a client that was greeted before may use it. */
export class SwitchedConnection extends ForwardingConnection {
  readonly #response: HandshakeResponse;
  readonly #sequence: number;
  readonly #fromServer = new PacketReader();
  readonly #fromClient = new PacketReader();
  /** How this server authenticates; empty: it has not greeted; null: that is over, and bytes pass as they are. */
  #plugin: string | null = '';
  /** Whether the response that the client gave the other server has passed, and is left out. */
  #isFirst = true;
  #isProven = false;

  /** @param sequence of the packet with the client's response */
  constructor(server: Connection, response: HandshakeResponse, sequence: number) {
    super(server);
    this.#response = response;
    this.#sequence = sequence;
  }

  handle(handlers: ConnectionHandlers): void {
    if (this.#plugin === null) return this.inner.handle(handlers);
    this.inner.handle({
      data: (bytes) => this.#guard(() => this.#serverSaid(bytes, handlers)),
      end: () => handlers.end(),
      drain: () => handlers.drain(),
      close: (error) => handlers.close(error),
    });
  }

  override send(bytes: Uint8Array): boolean {
    if (this.#plugin === null) return super.send(bytes);
    this.#guard(() => this.#clientSaid(bytes));
    return true;
  }

  override sendLent(bytes: Uint8Array): boolean {
    if (this.#plugin === null) return super.sendLent(bytes);
    return this.send(bytes.slice());
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof PacketFault)) throw error;
      this.inner.destroy();
    }
  }

  #serverSaid(bytes: Uint8Array, handlers: ConnectionHandlers): void {
    this.#fromServer.add(bytes);
    for (let packet = this.#fromServer.next(); packet !== null; packet = this.#fromServer.next()) {
      if (this.#plugin === '') {
        handlers.data(this.#switchTo(packet));
        continue;
      }
      handlers.data(packetOf(packet.sequence + AHEAD, packet.payload));
      if (packet.payload[0] !== OK && packet.payload[0] !== ERROR) continue;
      this.#plugin = null;
      this.inner.handle(handlers);
      const rest = this.#fromServer.rest();
      if (rest.length > 0) handlers.data(rest);
      return;
    }
  }

  /** The request for a proof of the password by what this server greeted with. */
  #switchTo(greeting: Packet): Buffer {
    const { plugin, salt } = parseGreeting(greeting);
    this.#plugin = plugin;
    const request = Buffer.concat([
      Buffer.from([SWITCH]),
      Buffer.from(`${plugin}\0`),
      salt,
      Buffer.from([0]),
    ]);
    return packetOf(this.#sequence + 1, request);
  }

  #clientSaid(bytes: Uint8Array): void {
    this.#fromClient.add(bytes);
    for (let packet = this.#fromClient.next(); packet !== null; packet = this.#fromClient.next()) {
      if (this.#isFirst) this.#isFirst = false;
      else if (this.#isProven) this.inner.send(packetOf(packet.sequence - AHEAD, packet.payload));
      else {
        this.#isProven = true;
        const response = this.#response.withAuthentication(packet.payload, this.#plugin as string);
        this.inner.send(packetOf(this.#sequence, response));
      }
    }
  }
}
