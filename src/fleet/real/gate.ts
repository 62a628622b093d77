/** A gate as a process of its own, and its links: to each server, and to a ledger that is reached over the network. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/schema.ts';
import { parseLedgerAddress } from '../../migration/ledger/registry.ts';
import { parseHostPort } from '../../transport/address.ts';
import type { Scenario } from '../scenario.ts';
import { partsOf } from '../steps/registry.ts';
import { writeGateConfig } from './config.ts';
import { Link } from './link.ts';
import { ManagedProcess, skewgate } from './managed-process.ts';
import type { RealServer } from './server.ts';

export interface RealGateOptions {
  readonly id: string;
  readonly scenario: Scenario;
  /** Of the ledger's record. */
  readonly cluster: string;
  readonly ledger: string;
  /** Where its files are. */
  readonly folder: string;
  /** Where relative paths of the scenario start. */
  readonly base: string;
  readonly onDown: () => void;
  readonly say: (line: string) => void;
  readonly over: AbortSignal;
}

/** Listeners of every gate; those of assumed versions come after them. */
const OWN = 2;
const READY = /^skewgate: cluster \S+, listening on (.+)$/m;

/** A gate of a fleet of real processes, over all its restarts. It keeps its log file and its links. */
export class RealGate {
  readonly id: string;
  readonly log: string;
  readonly process: ManagedProcess;
  /** Listeners, while it runs, in the order of its config. */
  #addresses: readonly string[] = [];
  readonly #options: RealGateOptions;
  readonly #servers = new Map<string, Link>();
  #ledger: readonly Link[] = [];

  constructor(options: RealGateOptions) {
    const { id, folder, say, over } = options;
    this.#options = options;
    this.id = id;
    this.log = path.join(folder, `${id}.ndjson`);
    const onDown = () => {
      this.#addresses = [];
      options.onDown();
    };
    this.process = new ManagedProcess({ id, say, over, onDown });
  }

  /** Before the first start: opens the links, and writes the config. */
  async prepare(servers: readonly RealServer[]): Promise<void> {
    const { scenario, cluster, ledger } = this.#options;
    const places: Config['servers'] = [];
    for (const server of servers) {
      const link = await Link.open();
      places.push(await server.place(link.address));
      if (server.speaksHandshake) this.#servers.set(server.id, link);
      else link.close();
    }
    const { kind, hosts } = parseLedgerAddress(ledger);
    this.#ledger = await Promise.all(hosts.map((host) => Link.open(parseHostPort(host))));
    const config = writeGateConfig(scenario, {
      id: this.id,
      cluster,
      log: this.log,
      ledger:
        hosts.length === 0
          ? ledger
          : `${kind.scheme}://${this.#ledger.map(({ address }) => address).join(',')}`,
      servers: places,
      assumed: this.#assumed,
    });
    writeFileSync(this.#config, config);
  }

  /** Does nothing if it runs. */
  async start(): Promise<void> {
    if (this.process.running) return;
    const { base } = this.#options;
    const [, listening] = await this.process.start(skewgate('serve', this.#config, '--folder', base), READY);
    this.#addresses = (listening as string).split(', ');
  }

  /** Where clients that speak the handshake find it: none while it is down. */
  get addresses(): readonly string[] {
    return this.#addresses.slice(0, OWN);
  }

  /** Where those find it that stand for this version without a word; undefined while it is down. */
  assumedAddress(version: string): string | undefined {
    return this.#addresses[OWN + this.#assumed.indexOf(version)];
  }

  get #assumed(): readonly string[] {
    const { clients, steps } = this.#options.scenario;
    const mute = clients.filter(({ command, handshake }) => command !== undefined && !handshake);
    const later = steps.flatMap((step) => {
      const [handler, value] = partsOf(step);
      const move = handler.moves?.(value);
      return move !== undefined && mute.some(({ name }) => name === move.group) ? [move.to] : [];
    });
    return [...new Set([...mute.map(({ version }) => version), ...later])];
  }

  pointTo(server: string, port: number | null): void {
    this.#servers.get(server)?.pointTo(port === null ? null : { host: '127.0.0.1', port });
  }

  /** To a server, or to the ledger; empty: there is none that could be cut. */
  links(to: string, ledger: string): readonly Link[] {
    if (to === ledger) return this.#ledger;
    return [this.#servers.get(to) ?? []].flat();
  }

  close(): void {
    for (const link of [...this.#servers.values(), ...this.#ledger]) link.close();
  }

  get #config(): string {
    return path.join(this.#options.folder, `${this.id}.json`);
  }
}
