/** From a config's words to a migration gate, or to none where the policy knows no system tables. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Config } from '../config/schema.ts';
import type { EventSink } from '../events/fan-out.ts';
import type { Hooks, TimedHook } from '../migration/call-hook.ts';
import { createCommandHook } from '../migration/hook/command.ts';
import { createHttpHook } from '../migration/hook/http.ts';
import { createModuleHook } from '../migration/hook/module.ts';
import { createServerHook } from '../migration/hook/server.ts';
import { Ledger } from '../migration/ledger/ledger.ts';
import { openStore } from '../migration/ledger/registry.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Migration, MigrationSettings } from '../migration/migration.ts';
import { Migrator } from '../migration/migrator.ts';
import { NoMigration } from '../migration/no-migration.ts';
import { parseWindow, type TriggerRule } from '../migration/trigger.ts';
import { hasSystemTables, type SkewPolicy } from '../policy/types.ts';
import type { Clock } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import { parseVersion, printCore } from '../version/version.ts';
import type { Settings } from './settings.ts';

type MigrationConfig = Config['migration'];
type HookConfig = NonNullable<MigrationConfig['check']>;

/** The config is right, but what it asks for is not there. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

export interface MigrationDependencies {
  /** The gate's id. */
  readonly gate: string;
  /** The cluster's name. */
  readonly name: string;
  readonly cluster: Cluster;
  /** The ledger's store; absent: the one that the config names. */
  readonly store?: Store | undefined;
  /** What it is used through; absent: itself. */
  readonly observeStore?: ((store: Store) => Store) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Where relative paths start, and where commands run. */
  readonly folder: string;
  readonly events: EventSink;
}

/**
 * Builds the migration gate. Under a policy without system tables no ledger is opened, and no hook is made.
 * @throws {SetupError} if the environment lacks what the config names
 */
export function buildMigration(
  config: MigrationConfig,
  settings: Settings,
  around: MigrationDependencies,
): Migration {
  const { name, clock, folder, cluster } = around;
  if (!hasSystemTables(settings.policy)) return new NoMigration(cluster);
  const skew = skewOf(settings);
  const owner = `${around.gate}/${randomId(around.random, 8)}`;
  const store = around.store ?? openStore(config.ledger, { folder, clock });
  return new Migrator({
    ...around,
    owner,
    // A store that was passed in is its owner's to close.
    ...(around.store === undefined && { close: () => store.close() }),
    settings: skew,
    ledger: new Ledger(
      around.observeStore?.(store) ?? store,
      name,
      clock,
      () => `${owner} at ${new Date(clock.now()).toISOString()}`,
    ),
    hooks: hooksOf(config, skew, around),
    trigger: triggerOf(config.trigger),
    baseline: config.baseline === undefined ? null : parseVersion(config.baseline),
    lease: config.lease,
    retry: config.retry,
    grace: config.grace,
    holdAll: config.hold.everyone,
    drainTime: config.drain,
  });
}

/** What system tables need of the settings: a reload leaves a gate with them, or without. */
function skewOf(settings: Settings): MigrationSettings {
  return {
    get policy() {
      return settings.policy as SkewPolicy;
    },
  };
}

function hooksOf(
  config: MigrationConfig,
  settings: MigrationSettings,
  { cluster, clock, folder }: MigrationDependencies,
): Hooks {
  const timed = ({ timeout, ...hook }: HookConfig): TimedHook => ({
    timeout,
    hook: hookOf(hook, folder, clock),
  });
  const maybe = (hook: HookConfig | undefined) => (hook === undefined ? null : timed(hook));
  const main: TimedHook =
    'server' in config.hook
      ? { timeout: config.hook.timeout, hook: createServerHook(cluster, settings) }
      : timed(config.hook);
  return {
    main,
    own: new Map(
      Object.entries(config.hooks).map(([release, hook]) => [printCore(parseVersion(release)), timed(hook)]),
    ),
    check: maybe(config.check),
    snapshot: maybe(config.snapshot),
    restore: maybe(config.restore),
    script: (script) => ({ timeout: main.timeout, hook: createCommandHook({ command: [script], folder }) }),
  };
}

function hookOf(
  { command, module, http, secretEnv }: Omit<HookConfig, 'timeout'>,
  folder: string,
  clock: Clock,
) {
  if (command !== undefined) return createCommandHook({ command, folder });
  if (module !== undefined) return createModuleHook(module, folder);
  const secret = secretEnv === undefined ? undefined : process.env[secretEnv];
  if (secretEnv !== undefined && !secret)
    throw new SetupError(`the environment has no ${secretEnv}, which signs the hook's requests`);
  return createHttpHook({ url: http as string, clock, ...(secret !== undefined && { secret }) });
}

/** Who may bring the upgrade, by the config. */
export function triggerOf({ approval, window, canary, clients }: MigrationConfig['trigger']): TriggerRule {
  return {
    approval,
    clients,
    canary: canary ?? null,
    window: window === undefined ? null : parseWindow(window),
  };
}
