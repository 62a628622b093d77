/** skewgate/testing: a mixed-version fleet inside a test of yours, and checks that explain themselves. */
import { policyOf } from '../config/policy.ts';
import { createMemoryTables } from '../server/tables.ts';
import { levelOf } from '../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../version/phoenix.ts';
import { parseVersion } from '../version/version.ts';
import { Fleet } from './fleet.ts';
import { checkOptions, configOf, type FleetOptions, serversOf } from './options.ts';
import { FleetServer } from './server.ts';

export { RefusedError, type Session } from '../client/session.ts';
export type { Code } from '../policy/codes.ts';
export type { Decision, Move, ReceivedDecision } from '../policy/types.ts';
export { assertAdmitted, assertMove, assertRefused } from './assert.ts';
export type { Judged } from './checks.ts';
export type { ClientOptions, Decided, Fleet, RollOptions } from './fleet.ts';
export { type FleetMatchers, matchers } from './matchers.ts';
export type { FleetOptions, ServerOptions } from './options.ts';

/**
 * `await using fleet = await startFleet({ servers: ['4.14.2', '4.15.0'] })`: listens when it resolves, and is gone,
 * with all its sessions, at the end of the scope, or after `close()`.
 *
 * @throws {ConfigError} naming the option, with a suggestion where a key is misspelt
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  checkOptions(options);
  const { tables: release, upgradeMs = 0, gates = 1, serve } = options;
  const stated = serversOf(options);
  // Checked before anything listens: the servers' addresses are not known yet.
  const draft = configOf(
    options,
    stated.map(({ id }) => ({ id, address: 'tcp://127.0.0.1:1' })),
  );
  const policy = policyOf(draft);
  const catalogue = policy.kind === 'skew' ? policy.catalogue : PHOENIX_CATALOGUE;
  const tables = release === undefined ? null : createMemoryTables(levelOf(catalogue, parseVersion(release)));
  const servers = await Promise.all(
    stated.map((server) =>
      FleetServer.create({ ...server, upgradeMs, ...(tables && { tables }), ...(serve && { serve }) }),
    ),
  );
  const places = servers.map(({ id, address }) => ({ id, address }));
  return Fleet.start({ ...draft, servers: places }, servers, tables, gates);
}
