/** A simulated server of a test, in this process: it goes and comes back, on another version if told so. */
import { Link } from '../fleet/real/link.ts';
import type { ProtocolRange } from '../policy/types.ts';
import { realRuntime } from '../runtime/real.ts';
import { type Serve, type SimulatedServer, startServer } from '../server/server.ts';
import type { Tables } from '../server/tables.ts';
import { parseHostPort, splitAddress } from '../transport/address.ts';
import { parseVersion } from '../version/version.ts';

export interface FleetServerOptions {
  readonly id: string;
  readonly version: string;
  readonly upgradeMs: number;
  readonly protocol?: ProtocolRange;
  readonly tables?: Tables;
  readonly serve?: Serve;
}

/** One simulated server of a fleet. It keeps its address and its id over restarts with other versions. */
export class FleetServer {
  readonly id: string;
  version: string;
  /** Versions of the clients that it was handed, over all its restarts. */
  readonly clients: string[] = [];
  readonly #options: FleetServerOptions;
  readonly #link: Link;
  #running: SimulatedServer | null = null;

  private constructor(options: FleetServerOptions, link: Link) {
    this.#options = options;
    this.#link = link;
    this.id = options.id;
    this.version = options.version;
  }

  /** Not started yet: its address is there all the same. */
  static async create(options: FleetServerOptions): Promise<FleetServer> {
    return new FleetServer(options, await Link.open());
  }

  /** With scheme; the same after every restart. */
  get address(): string {
    return `tcp://${this.#link.address}`;
  }

  get running(): boolean {
    return this.#running !== null;
  }

  /** Does nothing if it runs. */
  async start(version: string = this.version): Promise<void> {
    if (this.#running !== null) return;
    const { id, upgradeMs, protocol, tables, serve = echo } = this.#options;
    this.#running = await startServer({
      id,
      version: parseVersion(version),
      listen: 'tcp://127.0.0.1:0',
      transports: realRuntime.transports,
      clock: realRuntime.clock,
      upgradeMs,
      serve: (connection, open) => {
        this.clients.push(open.client.version);
        return serve(connection, open);
      },
      ...(protocol && { protocol }),
      ...(tables && { tables }),
    });
    this.version = version;
    this.#link.pointTo(parseHostPort(splitAddress(this.#running.address)[1]));
  }

  /** In order: it says that it leaves, and its sessions get `graceMs` to end. */
  async stop(graceMs: number): Promise<void> {
    this.#running?.leave();
    await this.#running?.idle(graceMs);
    await this.kill();
  }

  /** At once, as a process that is killed. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    this.#link.pointTo(null);
    await running?.close();
  }

  cut(): void {
    this.#link.cut();
  }

  heal(): void {
    this.#link.heal();
  }

  async close(): Promise<void> {
    await this.kill();
    this.#link.close();
  }
}

const echo: Serve = (connection) => ({
  data(bytes) {
    if (!connection.send(bytes)) connection.pause();
  },
  end: () => connection.end(),
  drain: () => connection.resume(),
});
