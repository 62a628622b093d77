/** A connection in front of another: what it does not do in its own way, the other does. */
import type { Connection, ConnectionHandlers } from './transport.ts';

/** Forwards everything to `inner`. */
export abstract class ForwardingConnection implements Connection {
  readonly peer: string;
  protected readonly inner: Connection;

  constructor(inner: Connection) {
    this.peer = inner.peer;
    this.inner = inner;
  }

  abstract handle(handlers: ConnectionHandlers): void;

  send(bytes: Uint8Array): boolean {
    return this.inner.send(bytes);
  }

  sendLent(bytes: Uint8Array): boolean {
    return this.inner.sendLent(bytes);
  }

  end(): void {
    this.inner.end();
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  close(): void {
    this.inner.close();
  }

  destroy(): void {
    this.inner.destroy();
  }
}
