/** The admin side of the gate of this process, from before the gate is built to after its end. */
import type { Admin } from '../admin/admin.ts';
import type { AdminContext } from '../admin/context.ts';
import type { Recent } from '../admin/recent.ts';
import type { Config } from '../config/schema.ts';
import type { BuiltGate, GateDependencies } from '../gateway/build.ts';
import type { Named } from '../gateway/reload.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { realClock } from '../runtime/clock.ts';
import { programVersion } from './package-version.ts';

type Modules = typeof import('../admin/admin.ts') &
  typeof import('../admin/recent.ts') &
  typeof import('../metrics/metrics.ts');

/** What a gate gets that has an admin side. */
export class AdminSide {
  readonly #recent: Recent;
  readonly #metrics: Metrics;
  readonly #modules: Modules;
  readonly #config: NonNullable<Config['admin']>;
  readonly #folder: string;
  #admin: Admin | null = null;

  constructor(modules: Modules, config: NonNullable<Config['admin']>, folder: string) {
    this.#modules = modules;
    this.#config = config;
    this.#folder = folder;
    this.#recent = new modules.Recent(realClock);
    this.#metrics = modules.createMetrics({ clock: realClock, program: programVersion() });
  }

  /** What a gate is built with, to be seen from here. */
  get dependencies(): Pick<GateDependencies, 'sinks' | 'observeStore'> {
    const { sink, observeStore } = this.#metrics;
    return { sinks: [this.#recent, sink], observeStore };
  }

  /** The gate that was built so. */
  attach(built: BuiltGate): void {
    this.#metrics.attach(built);
  }

  /** As bound; null: it does not listen. */
  get address(): string | null {
    return this.#admin?.address ?? null;
  }

  /** What an operator opens: the address with the token; null: it does not listen. */
  get link(): string | null {
    return this.#admin?.link ?? null;
  }

  /** Listens. @throws {Error} if that can't be */
  async start(
    about: Omit<AdminContext, 'recent' | 'metrics' | 'clock' | 'startedAt' | 'program'>,
  ): Promise<void> {
    const process = { clock: realClock, startedAt: realClock.now(), program: programVersion() };
    const context = { ...about, recent: this.#recent, metrics: this.#metrics, ...process };
    this.#admin = await this.#modules.startAdmin(context, this.#config, this.#folder);
  }

  /** Reads what its config only says the place of again. @throws {SetupError} if it can't be read */
  prepare({ admin }: Config): Named {
    if (this.#admin === null || admin === undefined) return { changes: [], commit() {}, abandon() {} };
    return this.#admin.prepare(admin);
  }

  /** Leaves its address to the next gate, where that may have the same. */
  retire(): void {
    this.#admin?.retire();
  }

  async close(): Promise<void> {
    await this.#admin?.close();
    this.#metrics.close();
  }
}

/**
 * Loads what an admin side is made of, if the config has one: a gate without pays for nothing of it.
 * @param folder where relative paths of the config start
 */
export async function prepareAdmin({ admin }: Config, folder: string): Promise<AdminSide | null> {
  if (admin === undefined) return null;
  const [listener, recent, metrics] = await Promise.all([
    import('../admin/admin.ts'),
    import('../admin/recent.ts'),
    import('../metrics/metrics.ts'),
  ]);
  return new AdminSide({ ...listener, ...recent, ...metrics }, admin, folder);
}
