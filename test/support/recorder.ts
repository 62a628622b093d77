/** Handlers that keep what a connection delivered, and fail a test that gets something after `close`. */
import { Changes } from '../../src/ports/changes.ts';
import type { Connection, ConnectionHandlers } from '../../src/ports/transport.ts';
import { until } from './until.ts';

type Event = 'data' | 'end' | 'drain' | 'close';

export class Recorder implements ConnectionHandlers {
  readonly connection: Connection;
  readonly changes = new Changes();
  readonly chunks: Uint8Array[] = [];
  readonly events: Event[] = [];
  /** How the connection ended; undefined while it has not. */
  closed: Error | null | undefined;
  received = 0;
  readonly #counts = { data: 0, end: 0, drain: 0, close: 0 };
  onData: (bytes: Uint8Array) => void = () => {};

  /** Takes over the connection. */
  constructor(connection: Connection) {
    this.connection = connection;
    connection.handle(this);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString();
  }

  get ended(): boolean {
    return this.events.includes('end');
  }

  /** How often something happened. */
  count(event: Event): number {
    return this.#counts[event];
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.received += bytes.length;
    this.#note('data');
    this.onData(bytes);
  }

  end(): void {
    this.#note('end');
  }

  drain(): void {
    this.#note('drain');
  }

  close(error: Error | null): void {
    this.closed = error;
    this.#note('close');
  }

  /** Once `condition` holds; it is looked at after each event. */
  until(condition: () => boolean, what: string): Promise<void> {
    return until(this.changes, condition, `${what} (so far: ${this.received} bytes, ${this.#summary()})`);
  }

  untilReceived(count: number): Promise<void> {
    return this.until(() => this.received >= count, `${count} bytes`);
  }

  untilEnded(): Promise<void> {
    return this.until(() => this.ended || this.closed !== undefined, 'the end');
  }

  async untilClosed(): Promise<Error | null> {
    await this.until(() => this.closed !== undefined, 'close');
    return this.closed as Error | null;
  }

  #note(event: Event): void {
    this.events.push(event);
    this.#counts[event]++;
    this.changes.notify();
  }

  #summary(): string {
    return this.events.filter((event) => event !== 'data').join(' ');
  }
}
