/** One client's search for a server: compatible ones are tried, least loaded first, each at most once a look. */
import type { Cluster, Reached } from '../cluster/cluster.ts';
import { refusal } from '../policy/decision.ts';
import type { Decision } from '../policy/types.ts';
import type { CancelSignal } from '../ports/cancellation.ts';
import type { Clock } from '../ports/clock.ts';
import type { UpgradeRequest } from '../ports/transport.ts';
import type { Applicant } from './applicant.ts';
import type { Judge } from './judge.ts';

export interface SearchContext {
  readonly cluster: Cluster;
  readonly judge: Judge;
  readonly clock: Clock;
}

/** Remembers which servers failed this client since it last waited. */
export class ServerSearch {
  readonly #context: SearchContext;
  readonly #over: CancelSignal;
  readonly #request: UpgradeRequest | undefined;
  /** Why, by id; null while none did. */
  #failed: Map<string, string> | null = null;
  #dialMs: number | null = null;

  /**
   * @param over aborts when nobody needs a server any more: the client left, or the gate drains
   * @param request what a WebSocket client on a transparent port asks the server for
   */
  constructor(context: SearchContext, over: CancelSignal, request?: UpgradeRequest) {
    this.#context = context;
    this.#over = over;
    this.#request = request;
  }

  /** What the last search took, ms; null before the first. */
  get dialMs(): number | null {
    return this.#dialMs;
  }

  /** Tries servers until one answers; null if none does. */
  async reach(applicant: Applicant): Promise<Reached | null> {
    const { clock } = this.#context;
    const from = clock.monotonic();
    try {
      for (;;) {
        const id = this.#next(applicant);
        if (id === null) return null;
        const reached = await this.#try(id);
        if (reached !== null) return reached;
      }
    } finally {
      this.#dialMs = clock.monotonic() - from;
    }
  }

  /** What failed may be tried again. */
  forget(): void {
    this.#failed = null;
  }

  /** The hold of a client that was permitted, but found no server. */
  notReached(permitted: Decision): Decision {
    const why = [...(this.#failed?.values() ?? [])].join('; ') || 'every compatible server is gone';
    return {
      ...refusal('SERVER_UNREACHABLE', `No compatible server could be reached: ${why}.`, {
        rule: 'N1',
        client: permitted.client,
        observed: permitted.observed,
        trace: permitted.trace,
      }),
      verdict: 'hold',
    };
  }

  #next(applicant: Applicant): string | null {
    const { cluster, judge } = this.#context;
    const fits = judge.fitFor(applicant, judge.facts(applicant));
    const server = cluster.pick(fits, ({ id }) => this.#failed?.has(id) ?? false);
    return this.#over.aborted ? null : (server?.id ?? null);
  }

  async #try(id: string): Promise<Reached | null> {
    try {
      const reached = await this.#context.cluster.reach(id, 'session', this.#over, this.#request);
      if (reached.server.state === 'up') return reached;
      reached.link.close();
      this.#noteFailure(id, `${id} is leaving`);
    } catch (error) {
      this.#noteFailure(id, (error as Error).message);
    }
    return null;
  }

  #noteFailure(id: string, why: string): void {
    this.#failed ??= new Map();
    this.#failed.set(id, why);
  }
}
