/**
 * One failure scenario: a ledger of its own, tables in a file that servers and hooks share, gates in this process and
 * in others. At its end the ledger's history and the handshakes of all gates are checked against each other.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, onTestFinished } from 'vitest';
import type { Session } from '../../../src/client/session.ts';
import type { configSchema } from '../../../src/config/schema.ts';
import { decode, EtcdGateway, encode, keysUnder } from '../../../src/migration/ledger/etcd-gateway.ts';
import { Ledger, type LedgerView } from '../../../src/migration/ledger/ledger.ts';
import type { HistoryEntry, HistoryKind } from '../../../src/migration/ledger/record.ts';
import { openStore, parseLedgerAddress } from '../../../src/migration/ledger/registry.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { checkHistory } from '../../support/check-history.ts';
import { realEnvironment } from '../../support/environment.ts';
import { NO_ETCD, sharedEtcd } from '../../support/etcd.ts';
import { tempFolder } from '../../support/folder.ts';
import { type Fleet, type FleetOptions, startFleet } from '../../support/gate.ts';
import type { LogLine } from '../../support/log.ts';
import { type ServerSpec, TestServer } from '../../support/servers.ts';
import { checkAdmitted, expectNoOverlap } from './checks.ts';
import { eventually } from './eventually.ts';
import { FileTables } from './file-tables.ts';
import { GateProcess } from './gate-process.ts';

export type MigrationInput = NonNullable<
  Parameters<typeof configSchema.parse>[0] & FleetOptions
>['migration'];
export type GateInput = Omit<FleetOptions, 'servers' | 'others' | 'folder'>;

/** Every scenario of `define` on SQLite, then on etcd. */
export function onEachLedger(
  title: string,
  define: (start: (options?: FailureScenarioOptions) => Promise<FailureScenario>) => void,
): void {
  describe(`${title}: SQLite`, () => define((options) => FailureScenario.start('sqlite:ledger.db', options)));
  describe.skipIf(NO_ETCD !== null)(
    `${title}: etcd${NO_ETCD === null ? '' : ` (skipped: ${NO_ETCD})`}`,
    () => {
      const etcd = sharedEtcd();
      define((options) => FailureScenario.start(etcd().url, options));
    },
  );
}

export interface FailureScenarioOptions {
  /** Where the tables are at first. */
  readonly level?: number;
  /** Versions of the simulated servers. */
  readonly servers?: readonly string[];
  /** Whether servers report the level; default true. */
  readonly reporting?: boolean;
  readonly upgradeMs?: number;
  /** For the final check: clients whose release needs more than is recorded may be among the admitted. */
  readonly unchecked?: boolean;
}

/**
 * Of gates that are to lose their claim: short, so that a takeover does not take long. All others have the lease
 * that ships, which a busy machine does not outlive.
 */
export const LEASE = '2s';

export class FailureScenario {
  readonly folder: string;
  readonly cluster = `scenario-${randomUUID()}`;
  readonly url: string;
  readonly ledger: Ledger;
  readonly tables: FileTables;
  readonly servers: TestServer[] = [];
  readonly gates: Array<{ readonly log: { readonly lines: readonly LogLine[] } }> = [];

  private constructor(url: string, level: number) {
    this.folder = tempFolder();
    this.url = url;
    writeFileSync(this.file('alive'), '');
    this.tables = new FileTables(this.folder, level);
    const store = openStore(url, { folder: this.folder, clock: realClock });
    this.ledger = new Ledger(store, this.cluster, realClock);
    onTestFinished(() => store.close());
  }

  static async start(
    url: string,
    {
      level = 27,
      servers = ['4.14.0', '4.14.1'],
      reporting = true,
      upgradeMs = 300,
      unchecked,
    }: FailureScenarioOptions = {},
  ): Promise<FailureScenario> {
    const scenario = new FailureScenario(url, level);
    onTestFinished(() => scenario.#end(unchecked === true));
    for (const version of servers)
      await scenario.addServer({ version, upgradeMs, ...(reporting && { tables: scenario.tables }) });
    return scenario;
  }

  async addServer(spec: ServerSpec): Promise<TestServer> {
    const server = await TestServer.start(realEnvironment, `s${this.servers.length + 1}`, spec);
    this.servers.push(server);
    return server;
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  exists(name: string): boolean {
    return existsSync(this.file(name));
  }

  /** What a hook waits for is there now. */
  touch(name: string): void {
    writeFileSync(this.file(name), '');
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  config({ migration, ...config }: GateInput = {}) {
    return {
      cluster: this.cluster,
      listen: [{ tcp: '127.0.0.1:0' }],
      timeouts: { probe: '500ms', hold: '5s', dial: '2s', fresh: '0ms' },
      ...config,
      migration: { ledger: this.url, ...migration },
    };
  }

  /** Servers that the test started itself. */
  others: ReadonlyArray<{ readonly id: string; readonly address: string }> = [];

  get #entries() {
    return [...this.servers.map(({ id, address }) => ({ id, address })), ...this.others];
  }

  /** A gate in this process. */
  async gate(config: GateInput = {}): Promise<Fleet> {
    const store = openStore(config.migration?.ledger ?? this.url, {
      folder: this.folder,
      clock: realClock,
    });
    const gate = await startFleet(realEnvironment, {
      ...this.config(config),
      others: this.#entries,
      folder: this.folder,
      store,
    });
    onTestFinished(() => store.close());
    this.gates.push(gate);
    let stopped: Promise<void> | null = null;
    const stop = gate[Symbol.asyncDispose].bind(gate);
    Object.assign(gate, { [Symbol.asyncDispose]: () => (stopped ??= stop()) });
    onTestFinished(() => gate[Symbol.asyncDispose]());
    return gate;
  }

  /** The config of a gate that is started by `GateProcess`. */
  gateFile(config: GateInput = {}): string {
    const file = this.file(`gate-${randomUUID()}.yaml`);
    writeFileSync(file, JSON.stringify({ ...this.config(config), servers: this.#entries }));
    return file;
  }

  /** The real command, in a process of its own. */
  async process(config: GateInput = {}): Promise<GateProcess> {
    const gate = await GateProcess.start(this.gateFile(config));
    this.gates.push(gate);
    return gate;
  }

  /** A command hook that notes when it begins and ends, waits in between for `letGo`, and then says that it did `work`. */
  hook(work = 'true', name = 'hook'): { command: [string] } {
    const file = this.file(`${name}.sh`);
    writeFileSync(
      file,
      `#!/bin/sh
set -e
echo "begin $SKEWGATE_TOKEN $SKEWGATE_FROM_LEVEL $SKEWGATE_TO_LEVEL $SKEWGATE_KEY" >> ${name}.work
while [ ! -e ${name}.go ]; do [ -e alive ] || exit 9; sleep 0.02; done
${work}
echo "end $SKEWGATE_TOKEN $SKEWGATE_FROM_LEVEL $SKEWGATE_TO_LEVEL $SKEWGATE_KEY" >> ${name}.work
`,
      { mode: 0o755 },
    );
    return { command: [file] };
  }

  /** Has the tables follow what a hook says it did. */
  static readonly RAISE = 'echo $SKEWGATE_TO_LEVEL > level';

  letGo(name = 'hook'): void {
    appendFileSync(this.file(`${name}.go`), '');
  }

  /** `begin TOKEN FROM TO KEY` and `end …`, in the order in which they came. */
  work(name = 'hook'): string[] {
    const file = this.file(`${name}.work`);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  async worked(count: number, name = 'hook'): Promise<void> {
    await eventually(() => this.work(name).length >= count, `${count} lines of work by ${name}`);
  }

  /** The record is gone, as if nobody had ever used the ledger; what happened before is not. */
  loseRecord(): Promise<void> {
    return this.#inStore(
      (db) => db.exec('DELETE FROM skewgate_ledger; DELETE FROM skewgate_lease'),
      (etcd, at) => etcd.call('kv/deleterange', keysUnder(at)),
    );
  }

  /** The record as it stands in the store. */
  async rawRecord(): Promise<string> {
    let text: string | null = null;
    await this.#inStore(
      (db) => {
        text = String(db.prepare('SELECT record FROM skewgate_ledger').get()?.record);
      },
      async (etcd, at) => {
        const { kvs = [] } = await etcd.call('kv/range', { key: encode(`${at}record`) });
        text = decode(kvs[0]?.value);
      },
    );
    return text ?? '';
  }

  writeRecord(text: string): Promise<void> {
    return this.#inStore(
      (db) => db.prepare('UPDATE skewgate_ledger SET record = ?, revision = revision + 1').run(text),
      (etcd, at) => etcd.call('kv/put', { key: encode(`${at}record`), value: encode(text) }),
    );
  }

  /** Behind the ledger's back. */
  async #inStore(
    sqlite: (db: DatabaseSync) => unknown,
    etcd: (client: EtcdGateway, prefix: string) => Promise<unknown>,
  ): Promise<void> {
    const { hosts } = parseLedgerAddress(this.url);
    if (hosts.length === 0) {
      const db = new DatabaseSync(this.file('ledger.db'), { timeout: 5_000 });
      sqlite(db);
      db.close();
      return;
    }
    const client = new EtcdGateway(hosts);
    await etcd(client, `/skewgate/${this.cluster}/state/`);
    client.close();
  }

  history(): Promise<HistoryEntry[]> {
    return this.ledger.history();
  }

  async kinds(): Promise<HistoryKind[]> {
    return (await this.history()).map(({ what }) => what);
  }

  async count(what: HistoryKind): Promise<number> {
    return (await this.kinds()).filter((kind) => kind === what).length;
  }

  /** The ledger, once it is as `condition` wants it. */
  async until(condition: (view: LedgerView) => boolean, what: string): Promise<LedgerView> {
    let view = await this.ledger.read();
    await eventually(async () => {
      view = await this.ledger.read();
      return condition(view);
    }, what);
    return view;
  }

  /** The ledger once nothing runs and the tables are recorded at `level`. */
  upgraded(level: number): Promise<LedgerView> {
    return this.until(
      ({ record }) => record.claim === null && record.level === level,
      `level ${level} on record`,
    );
  }

  /** A client that comes again and again for as long as it is refused with `code`. @throws any other refusal */
  async comeBack(gate: Pick<Fleet, 'connect'>, version: string, code: string): Promise<Session> {
    let session: Session | null = null;
    await eventually(async () => {
      session = await gate.connect(version).catch((error) => {
        if (error?.code === code) return null;
        throw error;
      });
      return session !== null;
    }, `client ${version} to be admitted`);
    return session as unknown as Session;
  }

  async #end(unchecked: boolean): Promise<void> {
    const history = await this.history().catch(() => null);
    if (history === null) return;
    checkHistory(history);
    if (!unchecked)
      checkAdmitted(
        history,
        this.gates.flatMap(({ log }) => log.lines),
      );
    if (existsSync(this.file('hook.work'))) expectNoOverlap(this.work());
  }
}
