/**
 * The upgrade run by one gate that keeps no record: the server hook, once at a time. What the servers report
 * as their level is what counts afterwards.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { MigrationRecord } from '../decision/record.ts';
import type { SkewPolicy, UpgradeState } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import type { Clock } from '../ports/clock.ts';
import { levelOf, releaseAt } from '../version/catalogue.ts';
import { parseVersion, printVersion } from '../version/version.ts';
import type { Migration, MigrationProgress, Trigger } from './migration.ts';

/** After a failure, ms until the next client may try again. */
const BACK_OFF = 5_000;

export class EmbeddedMigration implements Migration {
  readonly changes = new Changes();
  state: UpgradeState = { state: 'idle' };
  progress: MigrationProgress | null = null;
  readonly #cluster: Cluster;
  readonly #policy: SkewPolicy;
  readonly #clock: Clock;
  readonly #note: (record: Omit<MigrationRecord, 'event' | 'gate'> & { what: string }) => void;
  readonly #stopping = new AbortController();
  #attempt = 0;
  #running: Promise<void> | null = null;

  constructor(
    cluster: Cluster,
    policy: SkewPolicy,
    clock: Clock,
    note: (record: Omit<MigrationRecord, 'event' | 'gate'> & { what: string }) => void,
  ) {
    this.#cluster = cluster;
    this.#policy = policy;
    this.#clock = clock;
    this.#note = note;
  }

  request(trigger: Trigger): void {
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.state = { state: 'running', downtime: false };
    this.#running = this.#run(trigger).finally(() => {
      this.#running = null;
      this.progress = null;
      this.changes.notify();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(trigger: Trigger): Promise<void> {
    const to = parseVersion(trigger.client);
    const toLevel = levelOf(this.#policy.catalogue, to);
    const fromLevel = this.#cluster.level ?? 0;
    const from = releaseAt(this.#policy.catalogue, fromLevel);
    const about = { client: trigger.client, connection: trigger.connection, fromLevel, toLevel };
    this.#note({ what: 'started', ...about });
    const startedAt = this.#clock.now();
    try {
      const server = this.#cluster.servers.find(
        (candidate) => candidate.state === 'up' && candidate.level !== null,
      );
      if (server === undefined) throw new Error('no server that keeps system tables is up');
      const { upstream } = await this.#cluster.reach(server.id, 'upgrade', this.#stopping.signal);
      if (upstream === null) throw new Error(`${server.id} does not speak the handshake`);
      const attempt = ++this.#attempt;
      const result = await upstream.upgrade(
        {
          from: from && printVersion(from),
          to: trigger.client,
          fromLevel,
          toLevel,
          step: 1,
          attempt,
          token: attempt,
          key: `${fromLevel}-${toLevel}`,
        },
        this.#stopping.signal,
        ({ done, text }) => {
          this.progress = { done, text };
          this.changes.notify();
        },
      );
      upstream.connection.close();
      if (result.error !== null) throw new Error(result.error);
      this.#cluster.reportLevel(result.level ?? toLevel, this.#clock.now());
      this.state = { state: 'idle' };
      this.#note({ what: 'done', ...about, ms: this.#clock.now() - startedAt });
    } catch (error) {
      const { message } = error as Error;
      this.state = { state: 'failed', error: message, retryAt: this.#clock.now() + BACK_OFF };
      this.#note({ what: 'failed', ...about, error: message });
    }
  }
}
