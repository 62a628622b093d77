/**
 * What was found for one list of servers that never changes, so that it is worked out once for each client release,
 * level, upgrade state and policy. Goes with the list; bounded, since clients may call themselves what they like.
 */
import type { Judgment } from './conclude.ts';
import { isFrozen } from './roster.ts';
import type { ClusterView } from './rule.ts';
import type { ClientFacts, Decision, Policy, ServerFacts, UpgradeState } from './types.ts';

/** Questions of one cluster that differ in more than the client: mostly one, a few while an upgrade waits for somebody. */
const MAX_QUESTIONS = 8;
/** Clients remembered for each; beyond that the one that came first is forgotten. */
const MAX_CLIENTS = 256;

/** What was found for one client, and the decision where it does not depend on the time. */
export interface Answer {
  readonly judgment: Judgment;
  readonly settled: Decision | null;
}

/** What is asked besides the servers, the client and the policy. */
type Question = Pick<ClusterView, 'level' | 'reached' | 'upgrade'>;

/** The answers to one question, by client. */
class Answers {
  readonly level: number | null;
  readonly reached: number | null;
  readonly upgrade: UpgradeState;
  readonly policy: Policy;
  readonly #byClient = new Map<number | string, Answer>();

  constructor({ level, reached, upgrade }: Question, policy: Policy) {
    this.level = level;
    this.reached = reached;
    this.upgrade = { ...upgrade };
    this.policy = policy;
  }

  get(client: ClientFacts): Answer | undefined {
    return this.#byClient.get(keyOf(client));
  }

  keep(answer: Answer): void {
    if (this.#byClient.size >= MAX_CLIENTS)
      this.#byClient.delete(this.#byClient.keys().next().value as number | string);
    this.#byClient.set(keyOf(answer.judgment.client), answer);
  }
}

/** The answers to the questions asked lately of one list of servers. */
class VerdictMemo {
  readonly #questions: Answers[] = [];

  answersTo(question: Question, policy: Policy): Answers {
    const { level, reached, upgrade } = question;
    for (const asked of this.#questions)
      if (
        asked.policy === policy &&
        asked.level === level &&
        asked.reached === reached &&
        isEqual(asked.upgrade, upgrade)
      )
        return asked;
    if (this.#questions.length >= MAX_QUESTIONS) this.#questions.shift();
    const answers = new Answers(question, policy);
    this.#questions.push(answers);
    return answers;
  }
}

const MEMOS = new WeakMap<readonly ServerFacts[], VerdictMemo>();

/** What is remembered for `servers`; null for a list that may change. */
export function memoOf(servers: readonly ServerFacts[]): VerdictMemo | null {
  const memo = MEMOS.get(servers);
  if (memo !== undefined) return memo;
  if (!isFrozen(servers)) return null;
  const fresh = new VerdictMemo();
  MEMOS.set(servers, fresh);
  return fresh;
}

/** Most clients by a small number, which is cheaper to look up: 8, 11 and 11 bits of the version, and one. */
function keyOf({ version, upgrade, protocol }: ClientFacts): number | string {
  const { major, minor, patch, qualifier } = version;
  if (qualifier === '' && protocol === undefined && major < 256 && minor < 2_048 && patch < 2_048)
    return (((major << 22) | (minor << 11) | patch) << 1) | (upgrade === 'may' ? 1 : 0);
  const range = protocol ? `${protocol.min}-${protocol.max}` : '';
  return `${major}.${minor}.${patch}${qualifier} ${upgrade} ${range}`;
}

/** Whether two plain objects have the same fields. It makes no lists of them: every client's verdict asks this. */
function isEqual(a: object, b: object): boolean {
  if (a === b) return true;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let more = 0;
  for (const key in left) {
    const value = left[key];
    const other = right[key];
    if (value !== other && !(isObject(value) && isObject(other) && isEqual(value, other))) return false;
    more++;
  }
  for (const _ in right) more--;
  return more === 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
