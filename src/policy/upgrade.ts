/** M3 and J1, the one-time upgrade: who needs it, and what becomes of those who do. */
import { levelOf } from '../version/catalogue.ts';
import { printVersion } from '../version/version.ts';
import { listNames, whoToPoint } from './move.ts';
import type { RuleInput, RuleResult, Ruling } from './rule.ts';
import type { ServerSet } from './server-set.ts';
import type { ClientFacts, Move, SkewPolicy, UpgradeState } from './types.ts';

/** A block that has run out, and a failure whose pause is over, leave the upgrade to the next client. */
const AGAIN: UpgradeState = { state: 'idle' };

/** Where the upgrade stands at `now`, ms since the epoch: the one place where a verdict depends on the time. */
export function upgradeAt(upgrade: UpgradeState, now: number): UpgradeState {
  if (upgrade.state === 'blocked') return upgrade.until !== null && upgrade.until <= now ? AGAIN : upgrade;
  if (upgrade.state === 'failed') return upgrade.retryAt !== null && upgrade.retryAt <= now ? AGAIN : upgrade;
  return upgrade;
}

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
        message: () =>
          `The system tables are being upgraded; client ${printVersion(client.version)} waits for it.`,
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
        message: () =>
          `The ledger of upgrades is out of reach${upgrade.why ? ` (${upgrade.why})` : ''}, and what it said last is too old to go by.`,
      },
    };
  return null;
}

/** M3: the first newly upgraded client at a fully upgraded cluster brings the upgrade. */
export function upgradeNeededRule({ client, cluster, policy, known, unknown, level }: RuleInput): RuleResult {
  const rule = 'M3';
  if (!policy.systemTables) return { rule, outcome: 'skip', because: 'this policy has no system tables' };
  const needs = levelOf(policy.catalogue, client.version);
  if (needs <= level)
    return {
      rule,
      outcome: 'pass',
      because: () => `the client needs level ${needs}, the tables are at ${level}`,
    };
  const lagging = known.filter((server) => levelOf(policy.catalogue, server.version) < needs);
  if (policy.scope === 'cluster' && !lagging.isEmpty)
    return {
      rule,
      outcome: 'pass',
      because: () =>
        `the client's patch needs level ${needs}, but ${whoToPoint(lagging)} of the same minor is not upgraded to it yet (P1)`,
    };
  const because = () => `the client needs level ${needs}, the tables are at ${level}`;
  if (!unknown.isEmpty)
    return { rule, outcome: 'fail', because, ruling: unknownVersionRuling(client, unknown) };
  return { rule, outcome: 'fail', because, ruling: upgradeRuling(client, cluster.upgrade, policy, needs) };
}

/** The refusal of a client that needs every server upgraded while the version of some is not known. */
export function unknownVersionRuling(client: ClientFacts, unknown: ServerSet): Ruling {
  const them = () => (unknown.size === 1 ? 'it' : 'them');
  return {
    verdict: 'refuse',
    code: 'VERSION_UNKNOWN',
    message: () =>
      `Client ${printVersion(client.version)} needs the whole cluster upgraded, and the version of ${listNames(unknown.ids)} is unknown: start ${them()}, or take ${them()} out of the cluster.`,
  };
}

/** A refusal until the upgrade may begin. @param move what helps; null: nothing but time; absent: to approve it */
type Required = (why: string, move?: (() => Move) | null) => Ruling;

/** What becomes of a client that needs the upgrade, by where the upgrade stands. */
function upgradeRuling(
  client: ClientFacts,
  upgrade: UpgradeState,
  policy: SkewPolicy,
  level: number,
): Ruling {
  const needs = () => `Client ${printVersion(client.version)} needs the system tables at level ${level}`;
  const operator = (to: string) => (): Move => ({ side: 'operator', to, who: ['operator'] });
  const required: Required = (why, move = operator('approve')) => ({
    verdict: 'refuse',
    code: 'UPGRADE_REQUIRED',
    ...(move !== null && { move }),
    message: () => `${needs()}, and ${why}.`,
  });
  switch (upgrade.state) {
    case 'unavailable':
      return {
        verdict: 'refuse',
        code: 'LEDGER_UNAVAILABLE',
        message: () =>
          `${needs()}, and the ledger of upgrades is out of reach${upgrade.why ? `: ${upgrade.why}` : ''}.`,
      };
    case 'blocked':
      return {
        verdict: 'refuse',
        code: 'UPGRADE_BLOCKED',
        move: operator('unblock'),
        ...(upgrade.until !== null && { retryAt: upgrade.until }),
        message: () => `${needs()}, and an operator blocked upgrades: ${upgrade.reason}`,
      };
    case 'running':
      return {
        verdict: 'hold',
        code: 'UPGRADE_IN_PROGRESS',
        message: () => `${needs()}, which are being upgraded.`,
      };
    case 'failed':
      return {
        verdict: 'refuse',
        code: 'UPGRADE_FAILED',
        ...(upgrade.retryAt === null ? { move: operator('retry') } : { retryAt: upgrade.retryAt }),
        message: () => `${needs()}, and their upgrade failed: ${upgrade.error}`,
      };
    case 'waiting':
      return waitingRuling(upgrade, client, required);
    case 'idle':
      break;
  }
  if (client.upgrade === 'must-not')
    return required(
      'it must not bring the upgrade itself: let a client that may bring it connect first',
      () => ({
        side: 'client',
        to: printVersion(client.version),
        who: ['another one, which may bring the upgrade'],
      }),
    );
  if (!policy.autoUpgrade && !(upgrade.state === 'idle' && upgrade.approved))
    return required('upgrades do not start by themselves: approve the upgrade');
  return {
    verdict: 'migrate',
    code: 'UPGRADE_NEEDED',
    message: () =>
      `Client ${printVersion(client.version)} is admitted once the system tables are upgraded to level ${level}.`,
  };
}

/** What a client is told whose upgrade may not begin yet: the move that helps with just what is missing. */
function waitingRuling(
  { for: clause, missing }: Extract<UpgradeState, { state: 'waiting' }>,
  client: ClientFacts,
  required: Required,
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
        retryAt: missing.opensAt,
      };
    case 'clients':
      return required(`${waits}: let ${missing.more} more come, or approve the upgrade`, () => ({
        side: 'client',
        to: printVersion(client.version),
        who: [`${missing.more} more`],
      }));
    case 'ledger':
      return required(`${waits}: accept this one, or bring the other one back`, () => ({
        side: 'operator',
        to: 'accept-ledger',
        who: ['operator'],
      }));
    case 'catalogue':
    case 'config':
      return required(`${waits}: ${missing.remedy}`, () => ({
        side: 'operator',
        to: missing.remedy,
        who: ['operator'],
      }));
  }
}
