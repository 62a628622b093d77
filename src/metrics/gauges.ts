/** What is read of a gate when somebody asks for its metrics: nothing of it costs anything until then. */
import type { Registry } from 'prom-client';
import type { DecisionLog } from '../decision/record.ts';
import type { GateStatus } from '../gateway/status.ts';
import type { Migration } from '../migration/migration.ts';
import { upgradeStatus } from '../migration/upgrade-status.ts';
import type { UpgradeState } from '../policy/types.ts';
import { counterOf, gaugeOf, type Samples } from './registry.ts';

/** The gate that metrics are of. */
export interface MetricsSource {
  readonly gate: { status(): GateStatus };
  readonly log: Pick<DecisionLog, 'lostInAll'>;
  readonly migration: Pick<Migration, 'progress' | 'standing'>;
  readonly settings: { readonly policyHash: string };
}

/** One look at it, which all metrics of a scrape share, so that they agree. */
export interface Look extends Omit<MetricsSource, 'gate'> {
  readonly status: GateStatus;
  /** ms since the epoch. */
  readonly now: number;
}

type State = UpgradeState['state'];

const STATES: readonly State[] = ['idle', 'waiting', 'running', 'blocked', 'failed', 'unavailable'];

/**
 * @param look null: there is no gate yet
 * @param program version of skewgate
 */
export function addGauges(registry: Registry, look: () => Look | null, program: string): void {
  const of =
    (read: (look: Look) => Samples): (() => Samples) =>
    () => {
      const seen = look();
      return seen === null ? [] : read(seen);
    };
  counterOf(registry, 'skewgate_connections_accepted_total', of(acceptedOf));
  gaugeOf(
    registry,
    'skewgate_connections_active',
    of(({ status }) => [[{}, status.connections.active]]),
  );
  counterOf(
    registry,
    'skewgate_connections_ended_total',
    of(({ status }) => labelled('cause', status.connections.ended)),
  );
  gaugeOf(
    registry,
    'skewgate_held_clients',
    of(({ status }) => labelled('for', Object.entries(status.heldFor))),
  );
  gaugeOf(
    registry,
    'skewgate_held_bytes',
    of(({ status }) => [[{}, status.heldBytes]]),
  );
  const servers = (read: (server: GateStatus['servers'][number]) => number) =>
    of(({ status }) => status.servers.map((server) => [{ server: server.id }, read(server)] as const));
  gaugeOf(
    registry,
    'skewgate_server_info',
    of(({ status }) =>
      status.servers.map(({ id, version }) => [{ server: id, version: version ?? 'unknown' }, 1] as const),
    ),
  );
  gaugeOf(
    registry,
    'skewgate_server_up',
    servers(({ state }) => Number(state !== 'down')),
  );
  gaugeOf(
    registry,
    'skewgate_server_sessions',
    servers(({ sessions }) => sessions),
  );
  gaugeOf(
    registry,
    'skewgate_identity_sessions',
    of(({ status }) => labelled('identity', status.sessionsByIdentity)),
  );
  gaugeOf(registry, 'skewgate_upgrade_state', of(statesOf));
  gaugeOf(
    registry,
    'skewgate_upgrade_progress',
    of(({ migration }) => [[{}, migration.progress?.done ?? 0]]),
  );
  gaugeOf(registry, 'skewgate_ledger_up', of(ledgerUp));
  counterOf(
    registry,
    'skewgate_log_lost_total',
    of(({ log }) => [[{}, log.lostInAll]]),
  );
  gaugeOf(
    registry,
    'skewgate_build_info',
    of(({ settings }) => [[{ version: program, policy: settings.policyHash }, 1]]),
  );
}

/** A listener that nobody came to yet counts from 0, or its first client would be no increase. */
function acceptedOf({ status: { addresses, connections } }: Look): Samples {
  const none = addresses.map((address): [string, number] => [address, 0]);
  return labelled('listener', new Map([...none, ...connections.accepted]));
}

function statesOf(look: Look): Samples {
  const now = stateOf(look);
  return STATES.map((state) => [{ state }, Number(state === now)] as const);
}

/** For nobody in particular: what a client may still lack is its own. */
function stateOf({ migration: { standing }, now }: Look): State {
  if (standing === null) return 'idle';
  return standing.kind === 'known' ? upgradeStatus(standing.view, now).state : 'unavailable';
}

function ledgerUp({ migration: { standing } }: Look): Samples {
  return standing === null ? [] : [[{}, Number(standing.kind === 'known')]];
}

function labelled(label: string, values: Iterable<readonly [string, number]>): Samples {
  return Array.from(values, ([value, count]) => [{ [label]: value }, count] as const);
}
