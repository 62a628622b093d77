/** Conditions that must have held for refusals that the policy's verdict alone does not explain. */
import { configSchema } from '../../config/schema.ts';
import { CLOCK_TOLERANCE } from '../../migration/ledger/store-clock.ts';
import type { Code } from '../../policy/codes.ts';
import { decide } from '../../policy/decide.ts';
import { PlanError, planUpgrade } from '../../policy/plan.ts';
import { isCut, type TrueState } from '../ground-truth.ts';
import { LEDGER } from '../names.ts';
import { clientOf } from './admitted.ts';
import type { Evidence, GateDecision } from './evidence.ts';
import { isDraining, isRunning, serversOf } from './knowledge.ts';

/** Whether it was so in this state. */
type Ground = (state: TrueState, refusal: GateDecision, evidence: Evidence) => boolean;

/** Codes that must not occur: a fleet's clients follow the protocol, and nobody pauses its gates or drains a release. */
const NEVER: Ground = () => false;
/** The rest after a failure is lengthened by up to this factor, so that gates do not all retry at once. */
const SPREAD = 1.25;
/** The limits of a fleet's gates, which scenarios can't change. */
const LIMITS = configSchema.shape.limits.parse({});

export const GROUNDS: Partial<Record<Code, Ground>> = {
  UPGRADE_BLOCKED: ({ record }) => record?.block != null,
  UPGRADE_FAILED: failedAndRests,
  UPGRADE_IN_PROGRESS: (state, { record, gate }) =>
    state.record?.claim != null ||
    // It was about to begin the upgrade itself, and stood still until the wait was over.
    (record.waitedFor === 'UPGRADE_NEEDED' && !isRunning(state, gate)),
  UPGRADE_REQUIRED: mayNotUpgrade,
  DRAINING: (state, { gate }) => isDraining(state, gate),
  LEDGER_UNAVAILABLE: (state, { gate }) => isCut(state, gate, LEDGER),
  HANDSHAKE_TIMEOUT: (state, { gate }, { scenario }) => scenario.network.loss > 0 || !isRunning(state, gate),
  TOO_MANY_CONNECTIONS: (_state, _refusal, { truth }) =>
    truth.attempts.length >= Math.min(LIMITS.handshakes, LIMITS.sessions),
  BAD_HANDSHAKE: NEVER,
  PROTOCOL_UNSUPPORTED: NEVER,
  NOT_AUTHENTICATED: NEVER,
  PAUSED: NEVER,
  RELEASE_DRAINED: NEVER,
  KICKED: NEVER,
  CLAIM_NOT_ALLOWED: NEVER,
};

/** The upgrade failed and rests: for a time that doubles with each attempt, or until an operator acts. */
function failedAndRests(
  { record }: TrueState,
  refusal: GateDecision,
  { scenario, history, truth }: Evidence,
): boolean {
  const { attempts, backOff } = scenario.migration.retry;
  const failure = record?.failure;
  if (!failure) return false;
  if (failure.retryAt === null)
    return failure.attempts >= attempts || history.some(({ what }) => what === 'aborted');
  const rest = backOff * 2 ** (failure.attempts - 1) * SPREAD;
  const waits = refusal.record.retryAfterMs ?? 0;
  if (failure.attempts >= attempts || failure.retryAt - failure.at > rest) return false;
  // Gates go by the ledger's clock. What their own may differ without being set right counts twice: the one that failed
  // wrote the end of the rest by its clock, and this one tells it by another.
  const areSkewed = truth.states.some(({ gates }) => gates.some(({ skew }) => skew !== 0));
  return waits <= rest + (areSkewed ? 2 * CLOCK_TOLERANCE : 0);
}

/** The config or the client's own word keeps this client from bringing the upgrade. */
function mayNotUpgrade(state: TrueState, { record, gate, at }: GateDecision, evidence: Evidence): boolean {
  const { scenario, policy, truth } = evidence;
  if (state.record?.doubt || truth.losses.some((loss) => loss.state === state)) return true;
  const { approval, window, canary, clients } = scenario.migration.trigger;
  if (approval || window !== undefined || canary !== undefined || clients > 1) return true;
  if (scenario.clients.some(({ upgrade }) => upgrade === 'must-not')) return true;
  const client = clientOf(record.client as string);
  const servers = serversOf(state, gate);
  const facts = { servers, level: state.level, upgrade: { state: 'idle' as const } };
  if (decide(client, facts, policy, at).code === 'UPGRADE_REQUIRED') return true;
  if (policy.kind !== 'skew') return false;
  try {
    const from = { level: state.level ?? 0, release: null };
    planUpgrade({ catalogue: policy.catalogue, from, to: client.version });
    return false;
  } catch (error) {
    if (error instanceof PlanError) return true;
    throw error;
  }
}
