/**
 * A gate with its servers, built as the command builds it: `await using fleet = await startFleet(realEnvironment, …)`.
 * Everything listens on free ports and ends with the test.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { z } from 'zod';
import { type ConnectOptions, connectTo } from '../../src/client/connect.ts';
import type { RefusedError, Session } from '../../src/client/session.ts';
import { parseUrl } from '../../src/client/url.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { configSchema } from '../../src/config/schema.ts';
import { type BuiltGate, buildGate, type GateDependencies } from '../../src/gateway/build.ts';
import type { Gate } from '../../src/gateway/gate.ts';
import { MemoryStore } from '../../src/migration/ledger/memory.ts';
import type { Store } from '../../src/migration/ledger/store.ts';
import type { TestEnvironment } from './environment.ts';
import { CollectedLog } from './log.ts';
import { type ServerSpec, TestServer } from './servers.ts';

/** A config before its defaults. */
export type ConfigInput = z.input<typeof configSchema>;

export interface FleetOptions extends Partial<Omit<ConfigInput, 'servers'>> {
  /** Simulated ones; called s1, s2 and so on. */
  readonly servers?: readonly ServerSpec[];
  /** As the config states them, beside the simulated ones. */
  readonly others?: ConfigInput['servers'];
  /** Where relative paths of the config start. */
  readonly folder?: string;
  /** Of the ledger; one in memory, of this fleet alone, if absent. */
  readonly store?: Store;
}

export interface ClientOptions extends ConnectOptions {
  /** Which listener, in the order of the config. */
  readonly at?: number;
  /** More of the URL's query: `upgrade=must-not&user=x`. */
  readonly query?: string;
}

export class Fleet implements AsyncDisposable {
  readonly world: TestEnvironment;
  readonly built: BuiltGate;
  readonly gate: Gate;
  readonly cluster: Cluster;
  readonly log: CollectedLog;
  readonly servers: readonly TestServer[];
  /** Lines for the operator. */
  readonly said: readonly string[];

  constructor(
    world: TestEnvironment,
    built: BuiltGate,
    log: CollectedLog,
    servers: readonly TestServer[],
    said: readonly string[],
  ) {
    this.world = world;
    this.built = built;
    this.gate = built.gate;
    this.cluster = built.cluster;
    this.log = log;
    this.servers = servers;
    this.said = said;
  }

  server(at: number): TestServer {
    const server = this.servers[at];
    if (server === undefined) throw new Error(`there is no server ${at}`);
    return server;
  }

  /** Of a listener, with the transport's scheme. */
  address(at = 0): string {
    const address = this.gate.status().addresses[at];
    if (address === undefined) throw new Error(`there is no listener ${at}`);
    return address;
  }

  url(version: string, { at = 0, query = '' }: ClientOptions = {}): string {
    const address = this.address(at).replace('tcp://', 'skewgate://').replace('ws://', 'skewgate+ws://');
    return `${address}/?version=${version}${query && `&${query}`}`;
  }

  /** Through the driver. Its promise settles only while time passes: see `TestEnvironment.finish`. */
  connect(version: string, { at, query, ...options }: ClientOptions = {}): Promise<Session> {
    const more = { ...(at !== undefined && { at }), ...(query !== undefined && { query }) };
    return connectTo(parseUrl(this.url(version, more)), this.world, options);
  }

  admit(version: string, options?: ClientOptions): Promise<Session> {
    return this.world.finish(this.connect(version, options));
  }

  /** @throws if the client is admitted. */
  async refuse(version: string, options?: ClientOptions): Promise<RefusedError> {
    const outcome = await this.world.finish(this.connect(version, options).catch((error) => error));
    if (outcome?.name === 'RefusedError') return outcome;
    throw outcome instanceof Error ? outcome : new Error(`client ${version} was admitted`);
  }

  /** Once nothing is open any more: no session, no handshake, no session counted for a server. */
  async idle(): Promise<void> {
    const busy = () =>
      this.gate.status().sessions +
      this.gate.status().handshakes +
      this.cluster.servers.reduce((sum, s) => sum + s.sessions, 0);
    for (const limit = AbortSignal.timeout(8_000); busy() > 0; ) {
      if (limit.aborted)
        throw new Error(
          `${this.gate.status().sessions} sessions and ${this.gate.status().handshakes} handshakes are left`,
        );
      await turn();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.finish(this.gate.stop(0));
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

export async function startFleet(
  world: TestEnvironment,
  { servers: specs = [], others = [], folder = '.', store, ...config }: FleetOptions = {},
  { start = true, ...around }: { start?: boolean } & Pick<GateDependencies, 'sinks' | 'observeStore'> = {},
): Promise<Fleet> {
  const log = new CollectedLog();
  const said: string[] = [];
  const servers = await Promise.all(
    specs.map((spec, at) => TestServer.start(world, spec.id ?? `s${at + 1}`, spec)),
  );
  const built = buildGate(
    configSchema.parse({
      listen: [{ tcp: '127.0.0.1:0' }],
      // Nothing may outlive the test that wrote it.
      migration: { ledger: 'memory:' },
      ...config,
      servers: [...servers.map(({ id, address }) => ({ id, address })), ...others],
    }),
    {
      ...world,
      ...around,
      folder,
      stdout: log.stream,
      store: store ?? new MemoryStore(world.clock),
      say: (line) => said.push(line),
    },
  );
  // Loading takes real time, of which virtual time knows nothing.
  await built.gate.prepare();
  if (start) await world.finish(built.gate.start());
  return new Fleet(world, built, log, servers, said);
}
