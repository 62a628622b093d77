/**
 * Another config for a gate that runs. All that can fail comes first and changes nothing: the log is opened, new servers
 * are asked, new addresses are bound. Then everything is changed in one turn, in which no client is judged.
 * Whether a config may be taken at all is for `planReload` to say.
 */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../cluster/cluster.ts';
import type { ServerEntry } from '../cluster/server-state.ts';
import type { Config } from '../config/schema.ts';
import type { FileRules } from '../decision/file.ts';
import type { DecisionLog } from '../decision/record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Prepared } from '../ports/prepared.ts';
import { listenerOf, serverOf } from './entries.ts';
import type { Gate, GateOptions } from './gate.ts';
import type { Settings, SettingValues } from './settings.ts';

/** The gate as it runs. */
export interface RunningParts {
  readonly gate: Gate;
  readonly cluster: Cluster;
  readonly log: DecisionLog;
  readonly settings: Settings;
  readonly settingsOf: (config: Config) => SettingValues;
  /** Null where the limits are of several processes, and not this one's to change. */
  readonly slots: GateOptions['slots'] | null;
  /** The gate's id. */
  readonly id: string;
  /** Where relative paths of the config start. */
  readonly folder: string;
  readonly clock: Clock;
}

type Stated = Config['servers'][number];

/** The config that a gate goes by, and the way to another one. */
export class Reconfiguration {
  readonly #parts: RunningParts;
  #config: Config;
  /** What the cluster was given, by what the config said. */
  #servers: readonly { readonly stated: Stated; readonly entry: ServerEntry }[];

  /** @param servers as the cluster was made with, in the order of the config */
  constructor(config: Config, servers: readonly ServerEntry[], parts: RunningParts) {
    this.#config = config;
    this.#parts = parts;
    this.#servers = config.servers.map((stated, at) => ({ stated, entry: servers[at] as ServerEntry }));
  }

  /** As the gate goes by it now. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Everything that can fail.
   * @returns the change to `next`
   * @throws {Error} if the log can't be opened, an address can't be bound, or the gate stops; nothing has changed then
   */
  async prepare(next: Config): Promise<Prepared> {
    const { gate, cluster, settings, settingsOf } = this.#parts;
    const servers = next.servers.map((stated) => this.#serverOf(stated));
    const entries = servers.map(({ entry }) => entry);
    const log = this.#prepareLog(next.log);
    try {
      const values = settingsOf(next);
      const findings = await cluster.ask(entries);
      const listeners = await gate.prepareListeners(this.#listenersOf(next));
      const commit = () => {
        this.#config = next;
        this.#servers = servers;
        log.commit();
        this.#resize(next);
        settings.take(values);
        cluster.adopt(entries, findings);
        listeners.commit();
      };
      const abandon = () => {
        log.abandon();
        listeners.abandon();
      };
      return { commit, abandon };
    } catch (error) {
      log.abandon();
      throw error;
    }
  }

  #serverOf(stated: Stated) {
    const { id, folder } = this.#parts;
    const same = this.#servers.find((server) => isDeepStrictEqual(server.stated, stated));
    return same ?? { stated, entry: serverOf(stated, id, folder) };
  }

  #listenersOf({ listen, timeouts, reusePort }: Config) {
    const { clock, slots } = this.#parts;
    const shared = reusePort || slots === null ? ({ shared: 'joined' } as const) : {};
    return listen.map((entry) => listenerOf(entry, clock, timeouts.handshake, shared));
  }

  #prepareLog({ file, rotate, keep, durable, buffer }: Config['log']): Prepared {
    const { log, folder } = this.#parts;
    const { log: before } = this.#config;
    const isSame = (['file', 'rotate', 'keep', 'durable', 'buffer'] as const).every(
      (key) => before[key] === { file, rotate, keep, durable, buffer }[key],
    );
    if (isSame || file === undefined || log.reopen === undefined) return NOTHING;
    const rules: FileRules = { path: path.resolve(folder, file), rotate, keep, durable, buffer };
    try {
      return log.reopen(rules);
    } catch (error) {
      throw new Error(`log.file: ${(error as Error).message}`, { cause: error });
    }
  }

  #resize({ limits, migration }: Config): void {
    const { slots } = this.#parts;
    slots?.handshakes.resize(limits.handshakes);
    slots?.sessions.resize(limits.sessions);
    slots?.waiting.resize(migration.hold.clients);
  }
}

const NOTHING: Prepared = { commit() {}, abandon() {} };
