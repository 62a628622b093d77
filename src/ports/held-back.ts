/** A connection of which bytes were read already: whoever takes it over gets them first. */
import { ForwardingConnection } from './forwarding.ts';
import type { Connection, ConnectionHandlers } from './transport.ts';

/** What is left of a connection that somebody read the beginning of. */
export class HeldBack extends ForwardingConnection {
  #bytes: Uint8Array | null;

  /** @param inner is paused until somebody takes it over @param bytes that were read of it */
  constructor(inner: Connection, bytes: Uint8Array) {
    super(inner);
    this.#bytes = bytes;
  }

  handle(handlers: ConnectionHandlers): void {
    const bytes = this.#bytes;
    this.#bytes = null;
    if (bytes !== null) handlers.data(bytes);
    this.inner.handle(handlers);
    if (bytes !== null) this.inner.resume();
  }
}
