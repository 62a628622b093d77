/**
 * A WebSocket client whose binary messages carry a stream of bytes. `ws` makes the upgrade; from there on the bytes are
 * read and written here, in place and many messages at a time: what stands between a read and the handlers costs little
 * more than on TCP. Between two ends that `WsConnection` serves, `ws` does all of it.
 */
import type net from 'node:net';
import { PeerFault } from '../ports/transport.ts';
import { type CloseReason, NORMAL } from '../wire/close.ts';
import { copyOf, SMALL_BYTES } from './copies.ts';
import { FLUSH_MS, LINGER_MS, SocketConnection } from './socket-connection.ts';
import { MAX_MESSAGE } from './ws-connection.ts';
import {
  closePayload,
  type FrameFault,
  FrameReader,
  frameOf,
  headerLength,
  MAX_HEADER,
  OPCODES,
  writeHeader,
} from './ws-frames.ts';

const NOTHING = Buffer.alloc(0);

/** A client that has just been told that it is a WebSocket now, and was not read from yet. */
export class WsStream extends SocketConnection {
  readonly #reader = new FrameReader();
  /** The longest message taken; null: `MAX_MESSAGE`. */
  #limit: number | null = null;
  /** While there is such a limit a message is delivered once it is whole: what is there of one that is not. */
  #held = NOTHING;
  /** This side said that it sends nothing more. */
  #ended = false;
  /** The handlers know that the peer did. */
  #peerEnded = false;
  #endSeen = false;
  #saidClose = false;
  #heardClose = false;
  /** The client broke the rules, so that its bytes mean nothing any more. */
  #isDeaf = false;

  /** @param head what the client sent behind its request */
  constructor(socket: net.Socket, peer: string, head: Buffer) {
    super(socket, peer);
    socket.setTimeout(0);
    socket.setNoDelay(true);
    if (head.length > 0) socket.unshift(head);
  }

  limitMessages(bytes: number | null): void {
    this.#limit = bytes;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#isSilent || bytes.length === 0) return true;
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE) this.#post(bytes.subarray(at, at + MAX_MESSAGE));
    return this.hasRoom();
  }

  sendLent(bytes: Uint8Array): boolean {
    if (this.#isSilent || bytes.length === 0) return true;
    if (bytes.length > MAX_MESSAGE) return this.send(Buffer.from(bytes));
    const { bytes: copy, release } = copyOf(bytes, headerLength(bytes.length));
    writeHeader(copy, OPCODES.binary, bytes.length);
    return this.write(copy, release);
  }

  end(): void {
    if (this.#isSilent) return;
    this.#ended = true;
    this.write(frameOf(OPCODES.binary, NOTHING));
    if (this.#peerEnded) this.close();
  }

  close(closeReason: CloseReason = NORMAL): void {
    if (this.closing || this.#heardClose || this.socket.destroyed) return;
    this.beginToClose();
    // Its frame may be in the kernel behind much that the peer wants: a peer that both sides' "no more" finds reading
    // has its time to read, and a socket that is gone by then would answer its next ping with a reset.
    this.#sayClose(closeReason, this.#isOver ? undefined : () => this.cutAfter(LINGER_MS));
    this.cutAfter(FLUSH_MS);
  }

  protected receive(bytes: Buffer): void {
    const reader = this.#reader;
    if (this.#heardClose || this.#isDeaf) return;
    reader.read(bytes, this.#limit ?? MAX_MESSAGE);
    this.#deliverData();
    if (reader.ended && !this.#endSeen) {
      this.#endSeen = true;
      this.deliverEnd();
    }
    // A peer that asks and does not read is not answered: it would fill our memory.
    if (reader.ping !== null && !this.isFull && !this.#saidClose)
      this.write(frameOf(OPCODES.pong, reader.ping));
    if (reader.fault !== null) this.#refuse(reader.fault);
    else if (reader.closed !== null) this.#hearClose(reader.closed);
  }

  protected finish(): void {
    this.shut();
  }

  protected override afterEnd(): void {
    this.#peerEnded = true;
    if (this.#ended) this.close();
  }

  protected override get ping(): () => void {
    return () => {
      if (!this.#saidClose) this.write(frameOf(OPCODES.ping, NOTHING));
    };
  }

  /** A peer that is gone without a close frame tore the connection down, unless both had said "no more". */
  protected override get outcome(): Error | null {
    return this.error ?? (this.#heardClose || this.#isOver ? null : new Error('the WebSocket was cut'));
  }

  /** Both said that they send nothing more. */
  get #isOver(): boolean {
    return this.#ended && this.#peerEnded;
  }

  get #isSilent(): boolean {
    return this.#ended || this.#saidClose;
  }

  #deliverData(): void {
    const { chunk, start, end, whole } = this.#reader;
    this.#reader.clear();
    const upTo = this.#limit === null ? end : Math.max(whole, start);
    const ready = chunk.subarray(start, upTo);
    const rest = upTo < end ? Buffer.from(chunk.subarray(upTo, end)) : NOTHING;
    if (this.#held.length === 0) {
      this.#held = rest;
      this.deliver(ready);
    } else if (this.#limit === null || whole >= 0) {
      const all = Buffer.concat([this.#held, ready]);
      this.#held = rest;
      this.deliver(all);
    } else this.#held = Buffer.concat([this.#held, rest]);
  }

  #refuse({ closeReason, fault }: FrameFault): void {
    this.#isDeaf = true;
    if (this.closing) return;
    this.error ??= new PeerFault(fault);
    this.close(closeReason);
    this.shut();
  }

  #hearClose(closeReason: CloseReason): void {
    this.#heardClose = true;
    if (!this.#saidClose) this.#sayClose(closeReason);
    this.socket.resume();
    this.shut();
  }

  #sayClose(closeReason: CloseReason, written?: () => void): void {
    this.#saidClose = true;
    this.write(frameOf(OPCODES.close, closePayload(closeReason)), written);
  }

  /** One message; a long one is not copied. */
  #post(bytes: Uint8Array): void {
    if (bytes.length <= SMALL_BYTES) {
      this.write(frameOf(OPCODES.binary, bytes));
      return;
    }
    const header = Buffer.allocUnsafe(MAX_HEADER);
    const length = writeHeader(header, OPCODES.binary, bytes.length);
    this.socket.cork();
    this.write(header.subarray(0, length));
    this.write(bytes);
    this.socket.uncork();
  }
}
