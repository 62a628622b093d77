/** M3 and J1, the one-time upgrade: who needs it, and what becomes of those who do. */
import { levelOf } from '../version/catalogue.ts';
import { printVersion } from '../version/version.ts';
import { whoToPoint } from './move.ts';
import type { RuleInput, RuleResult, Ruling } from './rule.ts';
import type { ClientFacts, ClusterFacts, Move, ServerFacts, SkewPolicy, UpgradeState } from './types.ts';

/** M3 and J1: states of the upgrade that concern every client, also those that do not need it. */
export function upgradeStateRule({ client, cluster: { upgrade } }: RuleInput): RuleResult | null {
  if (upgrade.state === 'running' && upgrade.downtime)
    return {
      rule: 'J1',
      outcome: 'fail',
      because: 'a major upgrade that needs downtime is running',
      ruling: {
        verdict: 'refuse',
        code: 'DOWNTIME_REQUIRED',
        message: 'A major upgrade that needs downtime is running: come again when it is done.',
      },
    };
  if (upgrade.state === 'running' && upgrade.holdAll)
    return {
      rule: 'M3',
      outcome: 'fail',
      because: 'the system tables are being upgraded, and the config has everybody wait',
      ruling: {
        verdict: 'hold',
        code: 'UPGRADE_IN_PROGRESS',
        message: `The system tables are being upgraded; client ${printVersion(client.version)} waits for it.`,
      },
    };
  if (upgrade.state === 'unavailable' && upgrade.stale)
    return {
      rule: 'M3',
      outcome: 'fail',
      because: 'the ledger of upgrades has been out of reach for too long',
      ruling: {
        verdict: 'refuse',
        code: 'LEDGER_UNAVAILABLE',
        message: `The ledger of upgrades is out of reach${upgrade.why ? ` (${upgrade.why})` : ''}, and what it said last is too old to go by.`,
      },
    };
  return null;
}

/** M3: the first newly upgraded client at a fully upgraded cluster brings the upgrade. */
export function upgradeNeededRule(
  { client, cluster, policy, known, unknown, level }: RuleInput,
  now: number,
): RuleResult {
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
  if (unknown.length > 0)
    return { rule, outcome: 'fail', because, ruling: unknownVersionRuling(client, unknown) };
  return { rule, outcome: 'fail', because, ruling: upgradeRuling(client, cluster, policy, needs, now) };
}

/** The refusal of a client that needs every server upgraded while the version of some is not known. */
export function unknownVersionRuling(client: ClientFacts, unknown: readonly ServerFacts[]): Ruling {
  const ids = unknown.map(({ id }) => id);
  return {
    verdict: 'refuse',
    code: 'VERSION_UNKNOWN',
    move: null,
    message: `Client ${printVersion(client.version)} needs the whole cluster upgraded, and the version of ${ids.join(', ')} is unknown: start ${ids.length === 1 ? 'it' : 'them'}, or take ${ids.length === 1 ? 'it' : 'them'} out of the cluster.`,
  };
}

/** What becomes of a client that needs the upgrade, by where the upgrade stands. */
function upgradeRuling(
  client: ClientFacts,
  { upgrade }: ClusterFacts,
  policy: SkewPolicy,
  level: number,
  now: number,
): Ruling {
  const who = `Client ${printVersion(client.version)}`;
  const operator = (to: string): Move => ({ side: 'operator', to, who: ['operator'] });
  const required = (why: string, move: Move | null = operator('approve')): Ruling => ({
    verdict: 'refuse',
    code: 'UPGRADE_REQUIRED',
    move,
    message: `${who} needs the system tables at level ${level}, and ${why}.`,
  });
  switch (upgrade.state) {
    case 'unavailable':
      return {
        verdict: 'refuse',
        code: 'LEDGER_UNAVAILABLE',
        message: `${who} needs the system tables at level ${level}, and the ledger of upgrades is out of reach${upgrade.why ? `: ${upgrade.why}` : ''}.`,
      };
    case 'blocked':
      if (upgrade.until !== null && upgrade.until <= now) break;
      return {
        verdict: 'refuse',
        code: 'UPGRADE_BLOCKED',
        move: operator('unblock'),
        ...(upgrade.until !== null && { retryAfterMs: upgrade.until - now }),
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
    case 'waiting':
      return waitingRuling(upgrade, client, required, now);
    case 'idle':
      break;
  }
  if (client.upgrade === 'must-not')
    return required('it must not bring the upgrade itself: let a client that may bring it connect first', {
      side: 'client',
      to: printVersion(client.version),
      who: ['another one, which may bring the upgrade'],
    });
  if (!policy.autoUpgrade && !(upgrade.state === 'idle' && upgrade.approved))
    return required('upgrades do not start by themselves: approve the upgrade');
  return {
    verdict: 'migrate',
    code: 'UPGRADE_NEEDED',
    message: `${who} is admitted once the system tables are upgraded to level ${level}.`,
  };
}

/** What a client is told whose upgrade may not begin yet: the move that helps with just what is missing. */
function waitingRuling(
  { for: clause, missing }: Extract<UpgradeState, { state: 'waiting' }>,
  client: ClientFacts,
  required: (why: string, move?: Move | null) => Ruling,
  now: number,
): Ruling {
  const waits = `the upgrade waits for ${clause}`;
  switch (missing.kind) {
    case 'approval':
      return required(`${waits}: approve it`);
    case 'canary':
      return required(`${waits}: let it connect, or approve the upgrade`);
    case 'window':
      return {
        ...required(`${waits}: come again then`, null),
        retryAfterMs: Math.max(0, missing.opensAt - now),
      };
    case 'clients':
      return required(`${waits}: let ${missing.more} more come, or approve the upgrade`, {
        side: 'client',
        to: printVersion(client.version),
        who: [`${missing.more} more`],
      });
    case 'ledger':
      return required(`${waits}: accept this one, or bring the other one back`, {
        side: 'operator',
        to: 'accept-ledger',
        who: ['operator'],
      });
    case 'catalogue':
      return required(`${waits}: ${missing.remedy}`, {
        side: 'operator',
        to: missing.remedy,
        who: ['operator'],
      });
  }
}
