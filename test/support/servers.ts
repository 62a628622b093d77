/** Simulated servers of a test, which tell what reached them. */
import { type ServerOptions, type SimulatedServer, startServer } from '../../src/server/server.ts';
import { parseVersion } from '../../src/version/version.ts';
import type { Message } from '../../src/wire/messages.ts';
import type { TestEnvironment } from './environment.ts';

export interface ServerSpec extends Partial<Omit<ServerOptions, 'id' | 'version' | 'transports' | 'clock'>> {
  readonly version: string;
  readonly id?: string;
  readonly scheme?: 'tcp' | 'ws';
}

export class TestServer {
  readonly id: string;
  /** With scheme; the same after `restart`. */
  readonly address: string;
  /** Bytes that sessions brought, over all restarts. */
  received = 0;
  /** Sessions as they were handed over, over all restarts. */
  readonly opened: Message<'open'>[] = [];
  running: SimulatedServer;
  readonly #world: TestEnvironment;
  #spec: ServerSpec;

  private constructor(world: TestEnvironment, id: string, spec: ServerSpec, running: SimulatedServer) {
    this.#world = world;
    this.#spec = spec;
    this.id = id;
    this.running = running;
    this.address = running.address;
  }

  static async start(world: TestEnvironment, id: string, spec: ServerSpec): Promise<TestServer> {
    const counted: { by: TestServer | null } = { by: null };
    const running = await TestServer.#run(world, id, spec, counted);
    counted.by = new TestServer(world, id, spec, running);
    return counted.by;
  }

  /** Sessions' clients, over all restarts. */
  get clients(): string[] {
    return this.opened.map(({ client }) => client.version);
  }

  /** Goes down as a killed process would. */
  stop(): Promise<void> {
    return this.running.close();
  }

  /** Comes up, or back, on the same address. */
  async restart(change: Partial<ServerSpec> = {}): Promise<void> {
    await this.stop();
    this.#spec = { ...this.#spec, ...change };
    this.running = await TestServer.#run(
      this.#world,
      this.id,
      { ...this.#spec, listen: this.address },
      { by: this },
    );
  }

  static #run(
    { clock, transports }: TestEnvironment,
    id: string,
    { version, scheme = 'tcp', ...options }: ServerSpec,
    counted: { readonly by: TestServer | null },
  ): Promise<SimulatedServer> {
    const serve: ServerOptions['serve'] = (connection, open) => {
      counted.by?.opened.push(open);
      const handlers = (options.serve ?? echo)(connection, open);
      return {
        ...handlers,
        data(bytes) {
          if (counted.by !== null) counted.by.received += bytes.length;
          handlers.data(bytes);
        },
      };
    };
    return startServer({
      listen: `${scheme}://127.0.0.1:0`,
      ...options,
      id,
      version: parseVersion(version),
      transports,
      clock,
      serve,
    });
  }
}

const echo: NonNullable<ServerOptions['serve']> = (connection) => ({
  data(bytes) {
    if (!connection.send(bytes)) connection.pause();
  },
  end: () => connection.end(),
  drain: () => connection.resume(),
});
