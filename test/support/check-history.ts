/**
 * Reads a ledger's history and says what can't have happened if every upgrade ran once: two holders under one
 * token, tokens that shrink, a step that completed twice, a completion before all its steps, a start while blocked.
 */
import type { HistoryEntry } from '../../src/migration/ledger/record.ts';

/** @throws with every fault and the history around it. */
export function checkHistory(history: readonly HistoryEntry[]): void {
  const faults = faultsOf(history);
  if (faults.length > 0)
    throw new Error(`${faults.join('\n')}\n\n${history.map((entry) => JSON.stringify(entry)).join('\n')}`);
}

export function faultsOf(history: readonly HistoryEntry[]): string[] {
  const reader = new Reader();
  for (const [at, entry] of history.entries()) reader.read(entry, at + 1);
  return reader.faults;
}

/** Where the tables were at `time` as far as recorded; null: nothing was. */
export function levelAt(history: readonly HistoryEntry[], time: number): number | null {
  let level: number | null = null;
  for (const { what, at, toLevel, fromLevel } of history) {
    if (at > time) break;
    if (what === 'planned') level ??= fromLevel ?? null;
    if (MOVES.has(what)) level = toLevel ?? level;
  }
  return level;
}

const MOVES: ReadonlySet<string> = new Set(['step-done', 'level-observed', 'level-went-back']);
const UNDER_CLAIM: ReadonlySet<string> = new Set([
  'running',
  'step-done',
  'done',
  'failed',
  'released',
  'restoring',
  'restored',
]);
const ENDS: ReadonlySet<string> = new Set(['done', 'failed', 'released']);

interface Holder {
  readonly token: number;
  readonly owner: string;
  readonly attempt: number;
  readonly checksum: string;
  stepsDone: number;
  /** The step that a hook was started for. */
  begun: number;
}

class Reader {
  readonly faults: string[] = [];
  #line = 0;
  /** Whose claim is in force; null: nobody's. */
  #holder: Holder | null = null;
  #takenOver: Holder | null = null;
  /** Whether the ledger was lost or changed since the last claim: nobody knows what became of that one. */
  #doubted = false;
  #highest = 0;
  #level: number | null = null;
  /** Levels that steps reached since the tables last went back. */
  #reached = new Set<number>();
  /** When each operator's block ends. */
  readonly #blocks = new Map<string, number>();

  read(entry: HistoryEntry, line: number): void {
    this.#line = line;
    const { what } = entry;
    if (what === 'taken-over') this.#takeOver(entry);
    else if (what === 'planned') this.#plan(entry);
    else if (UNDER_CLAIM.has(what)) this.#underClaim(entry);
    else if (what === 'level-observed' || what === 'level-went-back') this.#observe(entry);
    else if (what === 'blocked') this.#blocks.set(entry.by ?? '', entry.until ?? Number.POSITIVE_INFINITY);
    else if (what === 'ledger-doubted') this.#doubted = true;
    else if (what === 'unblocked')
      entry.of === undefined ? this.#blocks.clear() : this.#blocks.delete(entry.of);
  }

  #say(fault: string): void {
    this.faults.push(`entry ${this.#line}: ${fault}`);
  }

  #takeOver({ token = 0 }: HistoryEntry): void {
    if (this.#holder === null && !this.#doubted) this.#say(`token ${token} took over from nobody`);
    this.#takenOver = this.#holder;
    this.#holder = null;
  }

  #plan({
    token = 0,
    owner = '',
    attempt = 0,
    checksum = '',
    stepsDone = 0,
    fromLevel,
    at,
  }: HistoryEntry): void {
    if (this.#holder !== null && !this.#doubted)
      this.#say(`token ${token} was given while token ${this.#holder.token} was held, and not taken over`);
    if (token <= this.#highest) this.#say(`token ${token} is not higher than ${this.#highest}`);
    if (Math.max(Number.NEGATIVE_INFINITY, ...this.#blocks.values()) > at)
      this.#say(`token ${token} was given while blocked`);
    const before = this.#takenOver;
    if (stepsDone > 0 && (before?.checksum !== checksum || before.stepsDone !== stepsDone))
      this.#say(
        `token ${token} continues after ${stepsDone} steps, of which ${before?.stepsDone ?? 0} were done`,
      );
    this.#highest = Math.max(this.#highest, token);
    this.#level ??= fromLevel ?? null;
    this.#holder = { token, owner, attempt, checksum, stepsDone, begun: 0 };
    this.#takenOver = null;
    this.#doubted = false;
  }

  #underClaim(entry: HistoryEntry): void {
    const { what, token, owner } = entry;
    const holder = this.#holder;
    if (holder === null || holder.token !== token)
      return this.#say(
        `${what} under token ${token}, while ${holder ? `token ${holder.token}` : 'none'} is held`,
      );
    if (holder.owner !== owner && what !== 'restored')
      this.#say(`${what} by ${owner} under token ${token} of ${holder.owner}`);
    if (what === 'running') this.#run(entry, holder);
    if (what === 'step-done') this.#stepDone(entry, holder);
    if (what === 'done' && entry.steps !== holder.stepsDone)
      this.#say(`done after ${holder.stepsDone} of ${entry.steps} steps`);
    if (ENDS.has(what)) this.#holder = null;
  }

  #run({ step = 0, toLevel = 0 }: HistoryEntry, holder: Holder): void {
    if (step !== holder.stepsDone + 1) this.#say(`step ${step} runs after ${holder.stepsDone} were done`);
    if (this.#reached.has(toLevel) && this.#level !== null && this.#level >= toLevel)
      this.#say(`step ${step} to level ${toLevel} runs, and was completed before`);
    holder.begun = step;
  }

  #stepDone({ step = 0, fromLevel, toLevel = 0, ran }: HistoryEntry, holder: Holder): void {
    if (step !== holder.stepsDone + 1)
      this.#say(`step ${step} completed after ${holder.stepsDone} were done`);
    if (ran === true && holder.begun !== step)
      this.#say(`step ${step} completed without having been started`);
    if (this.#reached.has(toLevel)) this.#say(`the step to level ${toLevel} completed twice`);
    if (this.#level !== null && fromLevel !== this.#level)
      this.#say(`step ${step} starts at level ${fromLevel}, and the tables are at ${this.#level}`);
    this.#reached.add(toLevel);
    this.#level = toLevel;
    holder.stepsDone = step;
  }

  #observe({ what, toLevel = 0 }: HistoryEntry): void {
    if (this.#level !== null && (what === 'level-went-back') !== toLevel < this.#level)
      this.#say(`${what}: from ${this.#level} to ${toLevel}`);
    if (what === 'level-went-back') this.#reached.clear();
    this.#level = toLevel;
  }
}
