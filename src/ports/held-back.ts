/** A connection of which bytes were read already: whoever takes it over gets them first. */
import type { Connection, ConnectionHandlers } from './transport.ts';

/** What is left of a connection that somebody read the beginning of. */
export class HeldBack implements Connection {
  readonly peer: string;
  readonly #inner: Connection;
  #bytes: Uint8Array | null;

  /** @param inner is paused until somebody takes it over @param bytes that were read of it */
  constructor(inner: Connection, bytes: Uint8Array) {
    this.peer = inner.peer;
    this.#inner = inner;
    this.#bytes = bytes;
  }

  handle(handlers: ConnectionHandlers): void {
    const bytes = this.#bytes;
    this.#bytes = null;
    if (bytes !== null) handlers.data(bytes);
    this.#inner.handle(handlers);
    if (bytes !== null) this.#inner.resume();
  }

  send(bytes: Uint8Array): boolean {
    return this.#inner.send(bytes);
  }

  sendLent(bytes: Uint8Array): boolean {
    return this.#inner.sendLent(bytes);
  }

  end(): void {
    this.#inner.end();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): void {
    this.#inner.close();
  }

  destroy(): void {
    this.#inner.destroy();
  }
}
