/** Refusals as advice: what they say is done, step by step, in the policy alone, on the cluster as recorded. */
import type { Code } from '../../policy/codes.ts';
import { decide } from '../../policy/decide.ts';
import type {
  ClientFacts,
  ClusterFacts,
  Decision,
  Move,
  ServerFacts,
  UpgradeState,
} from '../../policy/types.ts';
import { parseVersion } from '../../version/version.ts';
import { versionOf } from '../current-policy.ts';
import { clientOf } from './admitted.ts';
import type { Breach } from './breach.ts';
import { decidedAs, type Evidence, type GateDecision } from './evidence.ts';
import { sinceOf } from './knowledge.ts';

/** Moves after which a client must have been admitted. */
const MOVES = 10;

/** Refusals whose advice, followed step by step, does not lead to being admitted. */
export function deadEnd(evidence: Evidence): Breach[] {
  return decidedAs(evidence, 'refuse').flatMap((refusal) => {
    const why = stuckAfter(refusal, evidence);
    const { record, at, gate } = refusal;
    return why === null
      ? []
      : [
          {
            at,
            what: `client ${record.client}, refused by ${gate} with ${record.code}, is not helped: ${why}`,
          },
        ];
  });
}

/** Of gates that take nobody, whatever the policy would say. */
const UNJUDGED: ReadonlySet<Code> = new Set(['DRAINING', 'PAUSED', 'TOO_MANY_CONNECTIONS']);

function stuckAfter(refusal: GateDecision, evidence: Evidence): string | null {
  const { record, at } = refusal;
  if (record.client === null || UNJUDGED.has(record.code)) return null;
  if (record.retry === 'never') return 'it is told that nothing will help';
  if (record.retry === 'after-change' && record.move === null) return 'nobody is told to move';
  let client = clientOf(record.client as string);
  let cluster: ClusterFacts = {
    servers: recordedServers(refusal, evidence),
    level: record.observed.level,
    upgrade: recordedUpgrade(record),
  };
  if (record.retry === 'later') return laterHelps(client, cluster, at, evidence);
  let move: Move | null = record.move;
  for (let moves = 0; moves < MOVES && move !== null; moves++) {
    const done = obey(client, cluster, move);
    if (done === null) return `${move.side} to ${move.to} (${move.who.join(', ')}) moves nothing`;
    ({ client, cluster } = done);
    const decision: Decision = decide(client, cluster, evidence.policy, at);
    if (decision.verdict !== 'refuse') return null;
    if (decision.retry === 'later') return null;
    move = decision.move;
  }
  return `it is refused again and again`;
}

/** It may come again without a change: then nothing but what passes by itself can be in its way. */
function laterHelps(
  client: ClientFacts,
  { servers, level }: ClusterFacts,
  at: number,
  { policy }: Evidence,
): string | null {
  // Of what a gate never heard of it can't say more.
  if (servers.some(({ version }) => version === null)) return null;
  const calm: ClusterFacts = { servers, level, upgrade: { state: 'idle', approved: true } };
  const { verdict, code } = decide(client, calm, policy, at);
  return verdict === 'refuse' ? `it is told to come again later, and finds ${code}` : null;
}

/** The servers as this gate, since it began, last wrote that it saw them. */
function recordedServers({ gate, index, at }: GateDecision, { truth }: Evidence): ServerFacts[] {
  const seen = new Map<string, string | null>();
  const since = sinceOf(truth, gate, at);
  for (const { gate: writer, at: written, record } of truth.records.values().take(index))
    if (writer === gate && written >= since && record.event === 'server')
      seen.set(record.server, record.version);
  return [...seen].map(([id, version]) => ({
    id,
    version: version === null ? null : parseVersion(version),
    state: 'up',
  }));
}

function recordedUpgrade({ code }: Pick<Decision, 'code'>): UpgradeState {
  if (code === 'UPGRADE_BLOCKED') return { state: 'blocked', reason: '', until: null };
  if (code === 'UPGRADE_FAILED') return { state: 'failed', error: '', retryAt: null };
  if (code === 'UPGRADE_REQUIRED') return { state: 'waiting', for: '', missing: { kind: 'approval' } };
  return { state: 'idle' };
}

/** Null: nothing changes by it. */
function obey(
  client: ClientFacts,
  cluster: ClusterFacts,
  { side, to, who }: Move,
): { client: ClientFacts; cluster: ClusterFacts } | null {
  // An approval, an unblock and a retry each leave the way free.
  if (side === 'operator')
    return {
      client: { ...client, upgrade: 'may' },
      cluster: { ...cluster, upgrade: { state: 'idle', approved: true } },
    };
  const version = versionOf(to);
  if (side === 'client') return { client: { ...client, version }, cluster };
  const servers = cluster.servers.map((server) =>
    who.includes(server.id) ? { ...server, version } : server,
  );
  const moved = servers.some((server, at) => server !== cluster.servers[at]);
  return moved ? { client, cluster: { ...cluster, servers } } : null;
}
