/**
 * Judges open sessions again when the cluster, the upgrade or the policy changes: a client that was admitted may be one
 * that would be refused today. Lockstep and downtime end its session in any case (M4, J1); what else does is up to
 * `sessions.onSkew`. A session that is to end over a time is judged once more when its turn comes.
 */
import { keepsAll, skewActionFor } from '../config/on-skew.ts';
import { CODES } from '../policy/codes.ts';
import type { Changes } from '../ports/changes.ts';
import type { Clock } from '../ports/clock.ts';
import type { Applicant } from './applicant.ts';
import { Ending } from './ending.ts';
import type { Judge } from './judge.ts';
import type { SessionClose, SessionRegistry } from './sessions.ts';
import type { Settings } from './settings.ts';

export interface SkewWatchContext {
  readonly sessions: SessionRegistry;
  readonly judge: Judge;
  readonly settings: Settings;
  readonly clock: Clock;
  /** Of the upgrade, and of the cluster. */
  readonly migration: { readonly changes: Changes };
  readonly cluster: { readonly changes: Changes };
  /** Told of a bug, which ends no session. */
  readonly onFault: (error: Error) => void;
}

/** How a session is to end, and over which time; ms. */
interface Verdict {
  readonly close: SessionClose;
  readonly overMs: number;
}

/** Watches from `start` to `stop`. */
export class SkewWatch {
  readonly #context: SkewWatchContext;
  #endings: readonly Ending[] = [];
  #isPlanned = false;
  #isStopped = false;

  constructor(context: SkewWatchContext) {
    this.#context = context;
  }

  /** Looks at once, and after every change. */
  start(): void {
    const { migration, cluster, settings } = this.#context;
    this.#follow(migration.changes, () => true);
    this.#follow(settings.changes, () => true);
    // Who ends no session for it need not look at all of them whenever a server comes or goes.
    this.#follow(cluster.changes, () => !keepsAll(settings.onSkew));
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    for (const ending of this.#endings) ending.stop();
  }

  #follow(changes: Changes, concerns: () => boolean): void {
    changes.tell(() => {
      if (this.#isStopped) return;
      this.#follow(changes, concerns);
      if (concerns()) this.#plan();
    });
  }

  /** Several changes in one turn are looked at once. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      if (this.#isStopped) return;
      try {
        this.#look();
      } catch (error) {
        this.#context.onFault(error as Error);
      }
    });
  }

  #look(): void {
    const { sessions } = this.#context;
    this.#endings = this.#endings.filter(({ isOver }) => !isOver);
    /** Ids of those whose end is new, by the time that it may take. */
    const later = new Map<number, Set<string>>();
    sessions.closeWhere(({ session }, applicant) => {
      const verdict = this.#verdictOn(applicant);
      if (verdict === null) return null;
      const { close, overMs } = verdict;
      if (overMs === 0) return close;
      if (!this.#endings.some((ending) => ending.has(session)))
        later.set(overMs, (later.get(overMs) ?? new Set()).add(session));
      return null;
    });
    for (const [overMs, ids] of later) this.#endOver(overMs, ids);
  }

  #endOver(overMs: number, ids: ReadonlySet<string>): void {
    const { sessions, clock } = this.#context;
    const ending = new Ending({
      sessions,
      clock,
      isMeant: ({ session }) => ids.has(session),
      overMs,
      closeFor: (_session, applicant) => this.#verdictOn(applicant)?.close ?? null,
    });
    this.#endings = [...this.#endings, ending];
  }

  /** Null: the session goes on, whether or not its client would be admitted today. */
  #verdictOn(applicant: Applicant): Verdict | null {
    const decision = this.#context.judge.decide(applicant);
    const reason = CODES[decision.code].endsSessions;
    if (reason === false) return null;
    const overMs = reason === 'skew' ? skewActionFor(this.#context.settings.onSkew, decision) : 0;
    // The sentence is written only where it is needed: most sessions go on.
    return overMs === null
      ? null
      : { close: { reason, code: decision.code, message: decision.message }, overMs };
  }
}
