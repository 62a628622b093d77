/**
 * One client's way in: hello, verdict, perhaps a wait, a server, permit or refuse. The loop asks policy anew
 * after everything that may have changed the answer; nothing is decided on what was true before a wait.
 */
import type { Cluster, Reached, ServerStatus } from '../cluster/cluster.ts';
import type { HandshakeRecord } from '../decision/record.ts';
import type { Migration } from '../migration/migration.ts';
import type { Code } from '../policy/codes.ts';
import { decide, serverFits } from '../policy/decide.ts';
import { giveUp, refusal } from '../policy/decision.ts';
import type { ClientFacts, ClusterFacts, Decision, Policy } from '../policy/types.ts';
import { type Clock, deadline } from '../ports/clock.ts';
import { type Random, randomId } from '../ports/random.ts';
import { parseVersion, printVersion } from '../version/version.ts';
import { WireFault } from '../wire/fault.ts';
import { answerStray, type Caller, forWire, type Hello } from './caller.ts';

export interface AdmissionTimes {
  /** ms for a client's hello to be complete. */
  readonly handshake: number;
  /** ms a client may be held. */
  readonly hold: number;
  /** ms after which what is known of a server is asked again before a client is refused for it. */
  readonly fresh: number;
}

export interface AdmissionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly policy: Policy;
  readonly times: AdmissionTimes;
  /** Set once the gate drains: a client that waits is refused with it. */
  readonly closing: AbortSignal;
}

export interface Admitted {
  readonly session: string;
  readonly client: string;
  readonly reached: Reached;
}

/** What the log wants to know beside the decision. */
export type Outcome = Pick<
  HandshakeRecord,
  'connection' | 'peer' | 'driver' | 'session' | 'server' | 'serverVersion' | 'waitedFor' | 'phases'
> & { readonly decision: Decision };

/** How often a held client hears that it still waits, ms. */
const WAIT_NEWS = 1_000;

export class Admission {
  readonly id: string;
  readonly #context: AdmissionContext;
  readonly #caller: Caller;
  readonly #startedAt: number;
  #helloAt: number | null = null;
  #hello: Hello | null = null;
  #heldSince: number | null = null;
  #heldMs = 0;
  #waitedFor: Code | null = null;
  #dialMs: number | null = null;

  constructor(context: AdmissionContext, caller: Caller) {
    this.#context = context;
    this.#caller = caller;
    this.id = randomId(context.random);
    this.#startedAt = context.clock.now();
  }

  /**
   * Runs the handshake to its end. `log` gets the outcome before the client is told.
   * Returns the session's two ends, or null when the client was not admitted.
   */
  async run(log: (outcome: Outcome) => void): Promise<Admitted | null> {
    let hello: Hello;
    try {
      hello = await this.#awaitHello();
    } catch (error) {
      this.#refuseUnheard(error, log);
      return null;
    }
    let client: ClientFacts;
    try {
      client = factsOf(hello);
    } catch (error) {
      this.#refuse(refusal('BAD_HANDSHAKE', (error as Error).message), log);
      return null;
    }
    const limit = deadline(this.#context.clock, this.#context.times.hold, this.#caller.gone);
    try {
      return await this.#seek(client, limit.signal, log);
    } finally {
      limit.clear();
    }
  }

  /** Refuses without hearing the client out. */
  turnAway(decision: Decision, log: (outcome: Outcome) => void): void {
    this.#refuse(decision, log);
  }

  async #awaitHello(): Promise<Hello> {
    const { clock, times } = this.#context;
    const late = Promise.withResolvers<never>();
    const timer = clock.after(times.handshake, () =>
      late.reject(refusal('HANDSHAKE_TIMEOUT', `No hello within ${times.handshake / 1_000} s.`)),
    );
    try {
      this.#hello = await Promise.race([this.#caller.hello(), late.promise]);
      this.#helloAt = clock.now();
      return this.#hello;
    } finally {
      timer.cancel();
    }
  }

  #refuseUnheard(error: unknown, log: (outcome: Outcome) => void): void {
    const decision =
      error instanceof WireFault
        ? refusal(error.code, `${error.message[0]?.toUpperCase()}${error.message.slice(1)}.`)
        : (error as Decision);
    log(this.#outcome(decision));
    if (!answerStray(this.#caller, error)) this.#caller.refuse(decision);
  }

  /** The loop. `limit` aborts at the hold deadline or when the client leaves. */
  async #seek(
    client: ClientFacts,
    limit: AbortSignal,
    log: (outcome: Outcome) => void,
  ): Promise<Admitted | null> {
    const { cluster, migration, closing } = this.#context;
    const unreachable = new Map<string, string>();
    for (;;) {
      // Listen before looking: a change between the two would be missed.
      const listening = new AbortController();
      const change = Promise.race([
        cluster.changes.next(listening.signal),
        migration.changes.next(listening.signal),
      ]);
      try {
        let decision = this.#decide(client);
        if (decision.verdict === 'refuse' || decision.verdict === 'hold') {
          await cluster.refresh(this.#context.times.fresh);
          decision = this.#decide(client);
        }
        if (decision.verdict === 'permit') {
          const reached = await this.#reach(client, limit, unreachable);
          if (reached !== null) {
            decision = this.#decide(client);
            if (decision.verdict === 'permit' && this.#fits(client, reached.server))
              return this.#admit(decision, reached, log);
            reached.connection.close();
            if (!limit.aborted) continue;
          }
          decision = this.#notReached(decision, unreachable);
        }
        if (this.#caller.gone.aborted) {
          this.#refuse(abandoned(decision), log);
          return null;
        }
        if (decision.verdict === 'refuse') {
          this.#refuse(decision, log);
          return null;
        }
        if (closing.aborted || limit.aborted) {
          this.#refuse(closing.aborted ? draining(client) : giveUp(decision, this.#waited()), log);
          return null;
        }
        if (decision.verdict === 'migrate') migration.request(this.#trigger(client));
        await this.#hold(decision, change, limit);
        unreachable.clear();
      } finally {
        listening.abort();
      }
    }
  }

  #decide(client: ClientFacts): Decision {
    const { policy, clock } = this.#context;
    return decide(client, this.#facts(), policy, clock.now());
  }

  #facts(): ClusterFacts {
    const { cluster, migration } = this.#context;
    return { servers: cluster.servers, level: cluster.level, upgrade: migration.state };
  }

  #fits(client: ClientFacts, server: ServerStatus): boolean {
    return server.state === 'up' && serverFits(client, server, this.#facts(), this.#context.policy);
  }

  /** Tries compatible servers, least loaded first, until one answers; each at most once. */
  async #reach(
    client: ClientFacts,
    limit: AbortSignal,
    failed: Map<string, string>,
  ): Promise<Reached | null> {
    const { cluster, clock } = this.#context;
    const from = clock.now();
    try {
      for (;;) {
        const server = cluster.pick(
          (candidate) => !failed.has(candidate.id) && this.#fits(client, candidate),
        );
        if (server === null || limit.aborted) return null;
        try {
          const reached = await cluster.reach(server.id, 'session', limit);
          if (reached.server.state === 'up') return reached;
          reached.connection.close();
          failed.set(server.id, `${server.id} is leaving`);
        } catch (error) {
          failed.set(server.id, (error as Error).message);
        }
      }
    } finally {
      this.#dialMs = clock.now() - from;
    }
  }

  #notReached(permitted: Decision, failed: ReadonlyMap<string, string>): Decision {
    const why = [...failed.values()].join('; ') || 'every compatible server is gone';
    return {
      ...refusal('SERVER_UNREACHABLE', `No compatible server could be reached: ${why}.`, {
        rule: 'N1',
        client: permitted.client,
        cluster: permitted.cluster,
        trace: permitted.trace,
      }),
      verdict: 'hold',
    };
  }

  /** Waits for a change, telling the client from time to time. */
  async #hold(decision: Decision, change: Promise<void>, limit: AbortSignal): Promise<void> {
    const { clock, closing, migration, times } = this.#context;
    this.#heldSince ??= clock.now();
    this.#waitedFor ??= decision.code;
    this.#caller.wait({
      code: decision.code,
      reason: migration.progress?.text || decision.message,
      progress: migration.progress?.done ?? null,
      deadlineMs: Math.max(0, Math.round(times.hold - (clock.now() - (this.#helloAt ?? 0)))),
    });
    const news = deadline(clock, WAIT_NEWS, limit);
    const stop = new AbortController();
    const closed = new Promise<void>((resolve) => {
      if (closing.aborted) resolve();
      closing.addEventListener('abort', () => resolve(), { signal: stop.signal });
    });
    const later = new Promise<void>((resolve) => {
      if (news.signal.aborted) resolve();
      news.signal.addEventListener('abort', () => resolve(), { signal: stop.signal });
    });
    await Promise.race([change, later, closed]);
    stop.abort();
    news.clear();
  }

  #admit(decision: Decision, reached: Reached, log: (outcome: Outcome) => void): Admitted {
    const { clock, random } = this.#context;
    const hello = this.#hello as Hello;
    const session = randomId(random, 16);
    this.#heldMs = this.#waited();
    const version = reached.server.version && printVersion(reached.server.version);
    log({ ...this.#outcome(decision), session, server: reached.server.id, serverVersion: version });
    reached.upstream?.open({
      session,
      peer: this.#caller.connection.peer,
      client: { version: hello.version, driver: hello.driver, properties: hello.properties },
    });
    this.#caller.permit({
      session,
      server: { id: reached.server.id, version },
      level: decision.cluster.level,
      waitedMs: Math.round(this.#heldSince === null ? 0 : clock.now() - this.#heldSince),
      notices: this.#notices(decision),
      decision: forWire(decision),
    });
    return { session, client: hello.version, reached };
  }

  /** What an admitted client should know all the same. */
  #notices(decision: Decision): string[] {
    return decision.trace
      .filter(({ because }) => because.endsWith('served around'))
      .map(({ because }) => because);
  }

  #refuse(decision: Decision, log: (outcome: Outcome) => void): void {
    this.#heldMs = this.#waited();
    log(this.#outcome(decision));
    this.#caller.refuse(decision);
  }

  #waited(): number {
    return this.#heldSince === null ? 0 : this.#context.clock.now() - this.#heldSince;
  }

  #trigger(client: ClientFacts) {
    const { driver, properties } = this.#hello as Hello;
    return { connection: this.id, client: printVersion(client.version), driver, properties };
  }

  #outcome(decision: Decision): Outcome {
    const round = (ms: number) => Math.round(ms * 1_000) / 1_000;
    return {
      decision,
      connection: this.id,
      peer: this.#caller.connection.peer,
      driver: this.#hello?.driver ?? null,
      session: null,
      server: null,
      serverVersion: null,
      waitedFor: this.#waitedFor,
      phases: {
        hello: this.#helloAt === null ? null : round(this.#helloAt - this.#startedAt),
        held: round(this.#heldMs),
        dial: this.#dialMs === null ? null : round(this.#dialMs),
        total: round(this.#context.clock.now() - this.#startedAt),
      },
    };
  }
}

/** @throws {VersionError} */
function factsOf(hello: Hello): ClientFacts {
  return {
    version: parseVersion(hello.version),
    upgrade: hello.upgrade,
    ...(hello.protocol && { protocol: hello.protocol }),
  };
}

function draining(client: ClientFacts): Decision {
  return refusal('DRAINING', 'The gate is shutting down: come again.', {
    client: printVersion(client.version),
  });
}

function abandoned(decision: Decision): Decision {
  return { ...decision, verdict: 'refuse', message: `The client left while it waited. ${decision.message}` };
}
