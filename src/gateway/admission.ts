/**
 * One client's way in: hello, verdict, perhaps a wait, a server, permit or refuse. The loop asks policy anew
 * after everything that may have changed the answer; nothing is decided on what was true before a wait.
 */
import type { Cluster, Reached, ServerStatus } from '../cluster/cluster.ts';
import type { HandshakeRecord } from '../decision/record.ts';
import type { Hello, HelloResult, PendingClient } from '../frontend/pending-client.ts';
import type { Migration, UpgradeInitiator } from '../migration/migration.ts';
import { decide, serverFits } from '../policy/decide.ts';
import { refusal } from '../policy/decision.ts';
import type { ClientFacts, ClusterFacts, Decision, Policy } from '../policy/types.ts';
import { pause } from '../ports/clock.ts';
import { randomId } from '../ports/random.ts';
import { parseVersion, printVersion } from '../version/version.ts';
import { Wait, type WaitContext } from './wait.ts';

export type AdmissionTimes = WaitContext['times'] & {
  /** ms after which what is known of a server is asked again before a client is refused for it. */
  readonly fresh: number;
  /** ms after which what is known of a server is asked again before anything is decided by it. */
  readonly stale: number;
  /** ms beyond which an answer is too old to refuse a client for: this process stood still after it had asked. */
  readonly refusable: number;
};

export interface AdmissionContext extends WaitContext {
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly policy: Policy;
  readonly times: AdmissionTimes;
  /** Takes a place for one more session, which its end gives back; or the refusal where there is none. */
  readonly acquireSlot: () => Decision | null;
  /** Gives it back where none began. */
  readonly releaseSlot: () => void;
  /** Set once the gate drains: a client that waits is refused with it. */
  readonly closing: AbortSignal;
}

export interface Admitted {
  readonly session: string;
  readonly client: string;
  readonly facts: ClientFacts;
  readonly initiator: UpgradeInitiator;
  readonly reached: Reached;
}

/** What the log wants to know beside the decision. */
export type Outcome = Pick<
  HandshakeRecord,
  'connection' | 'peer' | 'driver' | 'session' | 'server' | 'serverVersion' | 'waitedFor' | 'phases'
> & { readonly decision: Decision };

type Step =
  | { readonly kind: 'again' }
  | { readonly kind: 'not-yet'; readonly decision: Decision }
  | { readonly kind: 'reached'; readonly decision: Decision; readonly reached: Reached };

/** How many changes had been told when the facts were looked at. */
interface Seen {
  readonly cluster: number;
  readonly migration: number;
}

/** How often a held client hears that it still waits, ms. */
const WAIT_NEWS = 1_000;

export class Admission {
  readonly id: string;
  readonly #context: AdmissionContext;
  readonly #caller: PendingClient;
  readonly #startedAt: number;
  #helloAt: number | null = null;
  #hello: Hello | null = null;
  readonly #wait: Wait;
  #dialMs: number | null = null;

  constructor(context: AdmissionContext, caller: PendingClient) {
    this.#context = context;
    this.#caller = caller;
    this.#wait = new Wait(context);
    this.id = randomId(context.random);
    this.#startedAt = context.clock.now();
  }

  /**
   * Runs the handshake to its end. `log` gets the outcome before the client is told.
   * Returns the session's two ends, or null when the client was not admitted.
   */
  async run(log: (outcome: Outcome) => void): Promise<Admitted | null> {
    const heard = await this.#awaitHello();
    if (heard.kind === 'failed') {
      this.#refuse(refusal(heard.code, heard.message), log);
      return null;
    }
    let client: ClientFacts;
    try {
      client = factsOf(heard.hello);
    } catch (error) {
      this.#refuse(refusal('BAD_HANDSHAKE', (error as Error).message), log);
      return null;
    }
    try {
      return await this.#seek(client, log);
    } finally {
      this.#wait.leaveUpgrade();
    }
  }

  /** Refuses without hearing the client out. */
  turnAway(decision: Decision, log: (outcome: Outcome) => void): void {
    this.#refuse(decision, log);
  }

  /** The client's hello, or why there is none; a gate that drains does not wait for it. */
  async #awaitHello(): Promise<HelloResult> {
    const { clock, closing } = this.#context;
    const drained = Promise.withResolvers<HelloResult>();
    const close = () =>
      drained.resolve({ kind: 'failed', code: 'DRAINING', message: draining(null).message });
    closing.addEventListener('abort', close);
    try {
      const heard = await Promise.race([this.#caller.hello(), drained.promise]);
      if (heard.kind === 'hello') {
        this.#hello = heard.hello;
        this.#helloAt = clock.now();
      }
      return heard;
    } finally {
      closing.removeEventListener('abort', close);
    }
  }

  /** The loop: ends with the client admitted, or refused. */
  async #seek(client: ClientFacts, log: (outcome: Outcome) => void): Promise<Admitted | null> {
    const { cluster, migration, closing } = this.#context;
    const unreachable = new Map<string, string>();
    for (;;) {
      // Noted before looking: a change between the look and the wait is not missed.
      const seen: Seen = { cluster: cluster.changes.count, migration: migration.changes.count };
      const step = await this.#step(client, unreachable);
      if (step.kind === 'again' && !this.#gone && !closing.aborted) continue;
      if (step.kind === 'reached') return this.#admit(client, step, log);
      const decision = step.kind === 'again' ? this.#decide(client) : step.decision;
      const end = this.#gone
        ? abandoned(decision)
        : closing.aborted
          ? draining(client)
          : this.#wait.overdue(decision);
      if (end !== null) {
        this.#refuse(end, log);
        return null;
      }
      await this.#hold(decision, seen);
      unreachable.clear();
    }
  }

  /** One look at the facts, and a try to reach a server where they permit it. */
  async #step(client: ClientFacts, unreachable: Map<string, string>): Promise<Step> {
    const { cluster, migration, times } = this.#context;
    // After standing still (SIGSTOP, a suspended machine) nothing known is good enough, not even to admit by.
    if (cluster.isStale(times.stale)) await Promise.all([cluster.refresh(0), migration.refresh(times.stale)]);
    let decision = this.#decide(client);
    if (decision.verdict === 'refuse' || decision.verdict === 'hold') {
      await cluster.refresh(times.fresh);
      if (cluster.isStale(times.refusable)) return { kind: 'again' };
      decision = this.#decide(client);
    }
    if (decision.code === 'UPGRADE_REQUIRED') migration.noteWaitingClient(this.#asInitiator(client));
    if (decision.verdict === 'migrate') migration.request(this.#asInitiator(client));
    if (decision.verdict !== 'permit') return { kind: 'not-yet', decision };
    if (this.#wait.awaitsUpgrade) {
      this.#wait.leaveUpgrade();
      await migration.turn(this.#caller.gone);
      return { kind: 'again' };
    }
    const reached = await this.#reach(client, unreachable);
    if (reached === null) return { kind: 'not-yet', decision: this.#notReached(decision, unreachable) };
    if (cluster.isStale(times.stale)) {
      reached.link.close();
      return { kind: 'again' };
    }
    const facts = this.#facts(client);
    decision = this.#decide(client, facts);
    const fits = decision.verdict === 'permit' && this.#fits(client, reached.server, facts);
    const full = fits && !this.#gone ? this.#context.acquireSlot() : null;
    if (fits && !this.#gone && full === null) return { kind: 'reached', decision, reached };
    reached.link.close();
    return full === null && !this.#gone ? { kind: 'again' } : { kind: 'not-yet', decision: full ?? decision };
  }

  get #gone(): boolean {
    return this.#caller.gone.aborted;
  }

  #decide(client: ClientFacts, facts = this.#facts(client)): Decision {
    const { policy, clock } = this.#context;
    return decide(client, facts, policy, clock.now());
  }

  #facts(client: ClientFacts): ClusterFacts {
    const { cluster, migration } = this.#context;
    return {
      servers: cluster.servers,
      level: migration.level,
      upgrade: migration.stateFor(this.#asInitiator(client)),
    };
  }

  /** Servers are judged by the tables as they are, clients by what is on record of them. */
  #fits(client: ClientFacts, server: ServerStatus, facts: ClusterFacts): boolean {
    const { cluster, policy } = this.#context;
    const level = facts.level === null ? null : Math.max(facts.level, cluster.level ?? 0);
    return server.state === 'up' && serverFits(client, server, { ...facts, level }, policy);
  }

  /** Tries compatible servers, least loaded first, until one answers; each at most once. */
  async #reach(client: ClientFacts, failed: Map<string, string>): Promise<Reached | null> {
    const { cluster, clock } = this.#context;
    const from = clock.now();
    try {
      for (;;) {
        const facts = this.#facts(client);
        const server = cluster.pick(
          (candidate) => !failed.has(candidate.id) && this.#fits(client, candidate, facts),
        );
        if (server === null || this.#gone) return null;
        try {
          const reached = await cluster.reach(server.id, 'session', this.#caller.gone);
          if (reached.server.state === 'up') return reached;
          reached.link.close();
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
        observed: permitted.observed,
        trace: permitted.trace,
      }),
      verdict: 'hold',
    };
  }

  /** Waits for a change, telling the client from time to time. */
  async #hold(decision: Decision, seen: Seen): Promise<void> {
    const { clock, closing, cluster, migration } = this.#context;
    const left = this.#wait.goOn(decision);
    this.#caller.wait({
      code: decision.code,
      reason: migration.progress?.text || decision.message,
      progress: migration.progress?.done ?? null,
      deadlineMs: Math.round(left),
    });
    const done = new AbortController();
    const over = AbortSignal.any([closing, this.#caller.gone, done.signal]);
    await Promise.race([
      cluster.changes.next(done.signal, seen.cluster),
      migration.changes.next(done.signal, seen.migration),
      pause(clock, Math.min(WAIT_NEWS, left), over),
    ]);
    done.abort('the wait is over');
  }

  #admit(client: ClientFacts, step: Step & { kind: 'reached' }, log: (outcome: Outcome) => void): Admitted {
    try {
      return this.#open(client, step, log);
    } catch (error) {
      step.reached.link.connection.destroy();
      this.#context.releaseSlot();
      throw error;
    }
  }

  /** Tells both sides. */
  #open(
    client: ClientFacts,
    { decision, reached }: Step & { kind: 'reached' },
    log: (outcome: Outcome) => void,
  ): Admitted {
    const hello = this.#hello as Hello;
    const session = randomId(this.#context.random, 16);
    const version = reached.server.version && printVersion(reached.server.version);
    log({ ...this.#outcome(decision), session, server: reached.server.id, serverVersion: version });
    reached.link.openSession({
      session,
      peer: this.#caller.connection.peer,
      client: { version: hello.version, driver: hello.driver, properties: hello.properties },
    });
    this.#caller.permit({
      session,
      server: { id: reached.server.id, version },
      level: decision.observed.level,
      waitedMs: Math.round(this.#wait.ms),
      notices: this.#notices(decision),
      decision,
    });
    return { session, client: hello.version, facts: client, initiator: this.#asInitiator(client), reached };
  }

  /** What an admitted client should know all the same. */
  #notices(decision: Decision): string[] {
    return decision.trace
      .filter(({ because }) => because.endsWith('served around'))
      .map(({ because }) => because);
  }

  #refuse(decision: Decision, log: (outcome: Outcome) => void): void {
    log(this.#outcome(decision));
    this.#caller.refuse(decision);
  }

  /** The client as the migration gate knows it. */
  #asInitiator({ version }: ClientFacts): UpgradeInitiator {
    const { driver, properties } = this.#hello as Hello;
    const name = properties.name ?? null;
    const host = this.#caller.connection.peer.replace(/:\d+$/, '');
    return { connection: this.id, version, driver, name, identity: name ?? host };
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
      waitedFor: this.#wait.for,
      phases: {
        hello: this.#helloAt === null ? null : round(this.#helloAt - this.#startedAt),
        held: round(this.#wait.ms),
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

export function draining(client: ClientFacts | null): Decision {
  return refusal('DRAINING', 'The gate is shutting down: come again.', {
    client: client && printVersion(client.version),
  });
}

function abandoned(decision: Decision): Decision {
  return { ...decision, verdict: 'refuse', message: `The client left while it waited. ${decision.message}` };
}
