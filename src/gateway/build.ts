/** Puts a gate together from its config: the one place that knows all adapters. */
import os from 'node:os';
import path from 'node:path';
import { Cluster, type ClusterOptions } from '../cluster/cluster.ts';
import type { Finding } from '../cluster/finding.ts';
import { sourceLimitsOf } from '../config/limits.ts';
import { parseOnSkew } from '../config/on-skew.ts';
import { hashPolicy, policyOf } from '../config/policy.ts';
import type { Config } from '../config/schema.ts';
import { createFileLog, createStreamLog } from '../decision/log.ts';
import { createTee, OtlpExport } from '../decision/otlp/export.ts';
import { createPost, headersIn } from '../decision/otlp/post.ts';
import type { DecisionLog, Identity } from '../decision/record.ts';
import { createLogSink } from '../decision/sink.ts';
import { createFanOut, type EventSink } from '../events/fan-out.ts';
import { createTerminalSink } from '../events/terminal.ts';
import type { Store } from '../migration/ledger/store.ts';
import type { Migration } from '../migration/migration.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { chooseEngine } from '../relay/engine.ts';
import type { Transports } from '../transport/address.ts';
import { Authentication } from './authentication.ts';
import { buildMigration, SetupError } from './build-migration.ts';
import { listenerOf, serverOf } from './entries.ts';
import { Gate, type GateOptions } from './gate.ts';
import type { ListenerEntry } from './listeners.ts';
import { Reconfiguration } from './reconfigure.ts';
import { Settings, type SettingValues } from './settings.ts';
import { Slots } from './slots.ts';

export interface GateDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly transports: Transports;
  /** Where relative paths of the config start. */
  readonly folder: string;
  /** Where the log goes if the config names no file. Default: the standard output of this process. */
  readonly stdout?: NodeJS.WritableStream & { readonly writableLength: number };
  /** Spreads probes in time; absent: they come at the interval exactly. */
  readonly jitter?: Random;
  /** The decision log; absent: the one that the config names. */
  readonly log?: DecisionLog;
  /** The ledger's store; absent: the one that the config names. */
  readonly store?: Store;
  /** Given the ledger's store, where there is one: the same, with what is to be noted of it. */
  readonly observeStore?: (store: Store) => Store;
  /** Who hears of events beside the log and the operator's terminal. */
  readonly sinks?: readonly EventSink[];
  /** Descriptors of sockets that listen already, in the order of the config's listeners; absent: there are none. */
  readonly sockets?: readonly number[];
  /** Present where this process is one of several that are one gate. */
  readonly worker?: {
    /** Whether the others listen only after it does. */
    readonly isFirst: boolean;
    readonly slots: GateOptions['slots'];
    /** Gets what is found out of servers; what others found goes to `Cluster.learn`. */
    readonly onFinding: (finding: Finding) => void;
  };
  /** Gets what is found out of servers; with it, the gate asks all of them at its start and then only when it is told to. */
  readonly onFinding?: (finding: Finding) => void;
  /** One line for the operator. */
  readonly say: (line: string) => void;
}

/** A gate, and the parts of it that others show or steer. */
export interface BuiltGate {
  /** As the gate goes by it now. */
  readonly config: Config;
  readonly gate: Gate;
  readonly cluster: Cluster;
  /** It outlives the gate. */
  readonly log: DecisionLog;
  readonly migration: Migration;
  readonly settings: Settings;
  readonly identity: Identity;
  /** Where what happens in it is told. */
  readonly events: EventSink;
  /** The way to another config. */
  readonly reconfiguration: Reconfiguration;
}

/** A gate that is not started yet. @throws {SetupError} naming the key, if the log can't be opened. */
export function buildGate(config: Config, around: GateDependencies): BuiltGate {
  const { clock, random, transports, folder, worker } = around;
  const identity = identityOf(config);
  const settings = new Settings(settingsOf(config));
  const log = around.log ?? openLog(config.log, identity, around);
  const events = createFanOut(
    [createLogSink({ log, identity, settings }), createTerminalSink(around.say), ...(around.sinks ?? [])],
    (error) => around.say(`events are lost: ${error instanceof Error ? error.message : String(error)}`),
  );
  const servers = config.servers.map((entry) => serverOf(entry, identity.gate, folder));
  const cluster = new Cluster({
    servers,
    transports,
    clock,
    settings,
    jitter: around.jitter,
    events,
    ...shareFindings(around),
  });
  const migration = buildMigration(config.migration, settings, {
    gate: identity.gate,
    name: identity.cluster,
    cluster,
    store: around.store,
    observeStore: around.observeStore,
    clock,
    random,
    folder,
    events,
  });
  const shared = sharedOf(config, worker);
  const slots = worker?.slots ?? {
    handshakes: new Slots(config.limits.handshakes),
    sessions: new Slots(config.limits.sessions),
    waiting: new Slots(config.migration.hold.clients),
  };
  const gate = new Gate({
    listen: config.listen.map((entry, at) => {
      const socket = around.sockets?.[at];
      return listenerOf(entry, clock, config.timeouts.handshake, {
        ...(shared && { shared }),
        ...(socket !== undefined && { socket }),
      });
    }),
    cluster,
    migration,
    settings,
    events,
    transports,
    chooseEngine: () => chooseEngine(config.relay, transports, around.say),
    clock,
    random,
    ramp: config.migration.hold.ramp,
    slots,
  });
  const reconfiguration = new Reconfiguration(config, servers, {
    gate,
    cluster,
    log,
    settings,
    settingsOf,
    slots: worker ? null : slots,
    id: identity.gate,
    folder,
    clock,
  });
  return {
    get config() {
      return reconfiguration.config;
    },
    gate,
    cluster,
    log,
    migration,
    settings,
    identity,
    events,
    reconfiguration,
  };
}

/** Where another gate may take over the addresses, whoever listens there already is no error. */
function sharedOf({ reusePort }: Config, worker: GateDependencies['worker']): ListenerEntry['shared'] {
  if (reusePort) return 'joined';
  return worker && (worker.isFirst ? 'first' : 'joined');
}

/** What a reload replaces as one. */
export function settingsOf(config: Config): SettingValues {
  const policy = policyOf(config);
  const { timeouts, log, migration } = config;
  return {
    policy,
    policyHash: hashPolicy(policy),
    authentication: new Authentication(config),
    recordedProperties: log.properties,
    onSkew: parseOnSkew(config.sessions.onSkew),
    traces: log.trace,
    sourceLimits: sourceLimitsOf(config.limits, config.workers),
    times: {
      ...timeouts,
      upgrade: migration.hold.deadline,
      stale: 2 * (timeouts.probe + timeouts.dial),
      refusable: Math.max(timeouts.probe, timeouts.fresh + timeouts.dial) + timeouts.dial,
    },
  };
}

/** Who is told what is found out of servers, where others stand in front of them too. */
function shareFindings({ worker, onFinding }: GateDependencies): Pick<ClusterOptions, 'shared'> {
  if (worker === undefined && onFinding === undefined) return {};
  return {
    shared: {
      onFinding(finding) {
        worker?.onFinding(finding);
        onFinding?.(finding);
      },
    },
  };
}

/** Without an `id` a gate goes by its host and process, which no other gate of the cluster shares. */
function identityOf({ id, cluster }: Config): Identity {
  return { gate: id ?? `${os.hostname()}:${process.pid}`, cluster };
}

/** With an export, records go there too. */
function openLog(config: Config['log'], identity: Identity, around: GateDependencies): DecisionLog {
  const log = openLocalLog(config, identity, around);
  if (config.export === undefined) return log;
  const { OTEL_EXPORTER_OTLP_LOGS_HEADERS: own, OTEL_EXPORTER_OTLP_HEADERS: all = '' } = process.env;
  const { otlp } = config.export;
  const { clock, say } = around;
  const onTrouble = (why: string | null) =>
    say(`export of records: ${otlp}: ${why === null ? 'takes records again' : why}`);
  const post = createPost(otlp, headersIn(own ?? all));
  return createTee(log, new OtlpExport({ post, buffer: config.buffer, clock, identity, onTrouble }));
}

function openLocalLog(
  { file, format, rotate, keep, durable, buffer }: Config['log'],
  identity: Identity,
  { folder, clock, stdout = process.stdout, say }: GateDependencies,
): DecisionLog {
  if (file === undefined)
    return createStreamLog({
      stream: stdout,
      buffer,
      clock,
      identity,
      format,
      onError: ({ message }) =>
        say(`decision log: standard output: ${message}; records are lost from now on`),
    });
  const onError = (error: Error | null, kept: boolean, full: string) => {
    const name = path.isAbsolute(file) ? full : path.relative(folder, full);
    say(
      error === null
        ? `decision log: ${name} takes records again`
        : `decision log: ${name}: ${error.message}${kept ? '; records are kept in memory and tried again' : ''}`,
    );
  };
  try {
    return createFileLog({
      rotate,
      keep,
      durable,
      buffer,
      path: path.resolve(folder, file),
      clock,
      identity,
      format,
      onError,
    });
  } catch (error) {
    throw new SetupError(`log.file: ${(error as Error).message}`, { cause: error });
  }
}
