/** What planning is asked about: the fleet as this gate sees it at this moment. */
import { hashCatalogue } from '../config/policy.ts';
import { activeBlock } from '../migration/ledger/record.ts';
import type { FleetFacts, FleetGate, UpgradeFacts } from '../planning/facts.ts';
import { compareVersions, parseVersion, type Version } from '../version/version.ts';
import type { AdminContext } from './context.ts';

/** Everything that planning has to know. */
export function factsOf(context: AdminContext): FleetFacts {
  const { gate, cluster, migration, settings, clock, recent } = context;
  const { orders } = gate;
  const isDrained = (client: string) => orders.drainOfClient(parseVersion(client)) !== null;
  const now = clock.now();
  return {
    now,
    policy: settings.policy,
    policyHash: settings.policyHash,
    servers: cluster.servers.map(({ id, state, version, level, protocol, lastError, sessions }) => ({
      id,
      state,
      version,
      level,
      protocol,
      lastError,
      sessions,
    })),
    level: migration.level,
    reached: migration.reached,
    upgrade: upgradeFacts(context),
    sessions: gate.sessions.list().map(({ since, ...session }) => ({
      ...session,
      startedAt: since,
      drained: isDrained(session.client),
    })),
    seen: recent.seen.list(now).map((one) => ({ ...one, drained: isDrained(one.client) })),
    gates: gatesOf(context, now),
    orders: orders.list().filter(({ what, target }) => what === 'pause' || target.kind === 'gate'),
  };
}

/** All gates that are known, this one among them. */
export function gatesOf(
  { coordination, identity, program, settings }: AdminContext,
  now: number,
): FleetGate[] {
  if (coordination !== null)
    return coordination
      .gates()
      .map(({ id, isSelf, program, policyHash, catalogueHash, ageMs, sessions }) => ({
        id,
        isSelf,
        program,
        policyHash,
        catalogueHash,
        sessions,
        lastSeenAt: now - ageMs,
      }));
  const { policy, policyHash } = settings;
  const catalogueHash = hashCatalogue(policy);
  return [{ id: identity.gate, isSelf: true, program, policyHash, catalogueHash, lastSeenAt: now }];
}

function upgradeFacts({ migration, config, cluster }: AdminContext): UpgradeFacts {
  const { standing, ledger } = migration;
  const record = standing?.view?.record ?? null;
  const claim = record?.claim ?? null;
  const block = record && activeBlock(record, ledger?.now() ?? 0);
  return {
    state: migration.stateFor(nobody(newestOf(cluster.servers.map(({ version }) => version)))),
    holder: claim?.owner ?? null,
    leaseAlive: standing?.view?.leaseAlive ?? false,
    token: claim?.token ?? null,
    attempt: claim?.attempt ?? null,
    approval: { needed: config().migration.trigger.approval, given: (record?.approval ?? null) !== null },
    block: block && { by: block.by, reason: block.reason, until: block.until },
    failure: record?.failure ?? null,
  };
}

/** A client of the newest servers' release that says nothing of itself: whom an upgrade waits for is no one in particular. */
function nobody(version: Version) {
  return { connection: '', version, driver: '', name: null, identity: '' };
}

function newestOf(versions: readonly (Version | null)[]): Version {
  return versions.reduce<Version>(
    (newest, version) => (version !== null && compareVersions(version, newest) > 0 ? version : newest),
    parseVersion('0.0.0'),
  );
}
