/** M3 and J1, the one-time upgrade: who needs it, and what becomes of those who do. */
import { levelOf } from '../version/catalogue.ts';
import { printVersion } from '../version/version.ts';
import type { Finding, Look, Question } from './look.ts';
import { whoToPoint } from './move.ts';
import type { ClientFacts, ClusterFacts, Move, ServerFacts, SkewPolicy } from './types.ts';

/** J1: a major upgrade that needs downtime keeps everybody out until it is done. */
export function lookDowntime({ cluster }: Question): Look | null {
  if (cluster.upgrade.state !== 'running' || !cluster.upgrade.downtime) return null;
  return {
    rule: 'J1',
    outcome: 'fail',
    because: 'a major upgrade that needs downtime is running',
    finding: {
      verdict: 'refuse',
      code: 'DOWNTIME_REQUIRED',
      message: 'A major upgrade that needs downtime is running: come again when it is done.',
    },
  };
}

/** M3: the first newly upgraded client at a fully upgraded cluster brings the upgrade. */
export function lookTrigger({ client, cluster, policy, known, unknown, level }: Question, now: number): Look {
  const rule = 'M3';
  if (!policy.systemTables) return { rule, outcome: 'skip', because: 'this policy has no system tables' };
  const needs = levelOf(policy.catalogue, client.version);
  if (needs <= level)
    return { rule, outcome: 'pass', because: `the client needs level ${needs}, the tables are at ${level}` };
  const lagging = known.filter((server) => levelOf(policy.catalogue, server.version) < needs);
  if (policy.scope === 'cluster' && lagging.length > 0)
    return {
      rule,
      outcome: 'pass',
      because: `the client's patch needs level ${needs}, but ${whoToPoint(lagging)} of the same minor is not upgraded to it yet (P1)`,
    };
  const because = `the client needs level ${needs}, the tables are at ${level}`;
  if (unknown.length > 0) return { rule, outcome: 'fail', because, finding: unknownFinding(client, unknown) };
  return { rule, outcome: 'fail', because, finding: upgradeFinding(client, cluster, policy, needs, now) };
}

export function unknownFinding(client: ClientFacts, unknown: readonly ServerFacts[]): Finding {
  const ids = unknown.map(({ id }) => id);
  return {
    verdict: 'refuse',
    code: 'VERSION_UNKNOWN',
    move: null,
    message: `Client ${printVersion(client.version)} needs the whole cluster upgraded, and the version of ${ids.join(', ')} is unknown: start ${ids.length === 1 ? 'it' : 'them'}, or take ${ids.length === 1 ? 'it' : 'them'} out of the cluster.`,
  };
}

/** What becomes of a client that needs the upgrade, by where the upgrade stands. */
function upgradeFinding(
  client: ClientFacts,
  { upgrade }: ClusterFacts,
  policy: SkewPolicy,
  level: number,
  now: number,
): Finding {
  const who = `Client ${printVersion(client.version)}`;
  const operator = (to: string): Move => ({ side: 'operator', to, who: ['operator'] });
  switch (upgrade.state) {
    case 'unavailable':
      return {
        verdict: 'refuse',
        code: 'LEDGER_UNAVAILABLE',
        message: `${who} needs the system tables at level ${level}, and the ledger of upgrades is out of reach.`,
      };
    case 'blocked':
      return {
        verdict: 'refuse',
        code: 'UPGRADE_BLOCKED',
        move: operator('unblock'),
        message: `${who} needs the system tables at level ${level}, and an operator blocked upgrades: ${upgrade.reason}`,
      };
    case 'running':
      return {
        verdict: 'hold',
        code: 'UPGRADE_IN_PROGRESS',
        message: `${who} needs the system tables at level ${level}, which are being upgraded.`,
      };
    case 'failed':
      if (upgrade.retryAt !== null && upgrade.retryAt <= now) break;
      return {
        verdict: 'refuse',
        code: 'UPGRADE_FAILED',
        move: upgrade.retryAt === null ? operator('retry') : null,
        ...(upgrade.retryAt !== null && { retryAfterMs: upgrade.retryAt - now }),
        message: `${who} needs the system tables at level ${level}, and their upgrade failed: ${upgrade.error}`,
      };
    case 'idle':
      break;
  }
  if (!policy.autoUpgrade || client.upgrade === 'must-not')
    return {
      verdict: 'refuse',
      code: 'UPGRADE_REQUIRED',
      move: operator('approve'),
      message: `${who} needs the system tables at level ${level}, and ${policy.autoUpgrade ? 'it must not bring the upgrade itself' : 'upgrades do not start by themselves'}: approve the upgrade, or let a client that may bring it connect first.`,
    };
  return {
    verdict: 'migrate',
    code: 'UPGRADE_NEEDED',
    message: `${who} is admitted once the system tables are upgraded to level ${level}.`,
  };
}
