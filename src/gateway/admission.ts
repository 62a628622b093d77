/**
 * One client's way in: hello, verdict, perhaps a wait, a server, permit or refuse. The loop asks policy anew
 * after everything that may have changed the answer; nothing is decided on what was true before a wait.
 */
import type { Cluster, Reached } from '../cluster/cluster.ts';
import type { HandshakeEvent } from '../events/events.ts';
import { recordable } from '../events/properties.ts';
import type { Hello, HelloResult, PendingClient } from '../frontend/pending-client.ts';
import type { Migration } from '../migration/migration.ts';
import { refusal } from '../policy/decision.ts';
import type { Decision } from '../policy/types.ts';
import { Cancellation } from '../ports/cancellation.ts';
import type { AnyOf } from '../ports/changes.ts';
import { randomId } from '../ports/random.ts';
import { printVersion } from '../version/version.ts';
import { ServerAhead } from './ahead.ts';
import { type Applicant, applicantOf } from './applicant.ts';
import type { EndBeforeSession } from './connections.ts';
import type { Judge } from './judge.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type OrderedContext, orderedVerdict } from './ordered.ts';
import type { Ramp } from './ramp.ts';
import { clientLeft, draining, faultyClient, tooManySessions } from './refusals.ts';
import { ServerSearch } from './server-search.ts';
import type { SessionRegistry } from './sessions.ts';
import type { Settings } from './settings.ts';
import {
  type HeldClient,
  type Holding,
  isForUpgrade,
  Wait,
  type WaitContext,
  type WaitTimes,
} from './wait.ts';
import { Who } from './who.ts';

export type AdmissionTimes = WaitTimes & {
  /** ms after which what is known of a server is asked again before a client is refused for it. */
  readonly fresh: number;
  /** ms after which what is known of a server is asked again before anything is decided by it. */
  readonly stale: number;
  /** ms beyond which an answer is too old to refuse a client for: this process stood still after it had asked. */
  readonly refusable: number;
};

export interface AdmissionContext extends WaitContext, OrderedContext {
  readonly cluster: Cluster;
  readonly migration: Migration;
  readonly judge: Judge;
  readonly lifecycle: Lifecycle;
  /** Whatever may change a verdict: told by the cluster, the migration, the lifecycle, the settings and operators' orders. */
  readonly news: AnyOf;
  readonly sessions: SessionRegistry;
  readonly ramp: Ramp;
  readonly settings: Settings;
}

export interface Admitted {
  /** Id of the session that begins, and has its slot. */
  readonly session: string;
  readonly hello: Hello;
  /** What the config calls the client; null: it is not known who it is. */
  readonly identity: string | null;
  readonly applicant: Applicant;
  readonly reached: Reached;
}

/** What becomes known of an attempt on the client's way in. */
export type Outcome = Omit<HandshakeEvent, 'event' | 'listener' | 'policyHash'>;

type Step =
  | { readonly kind: 'again' }
  | { readonly kind: 'not-yet'; readonly decision: Decision }
  | { readonly kind: 'reached'; readonly decision: Decision; readonly reached: Reached };

/** How often a held client hears that it still waits, ms. */
const WAIT_NEWS = 1_000;

/** The handshake of one client, run once. */
export class Admission implements Holding {
  readonly id: string;
  readonly #context: AdmissionContext;
  readonly #client: PendingClient;
  readonly #listener: string;
  readonly #log: (outcome: Outcome) => void;
  readonly #startedAt: number;
  /** Aborts when the client leaves or the gate drains. */
  readonly #over = new Cancellation();
  readonly #wait: Wait;
  readonly #search: ServerSearch;
  readonly #ahead: ServerAhead;
  #helloAt: number | null = null;
  #hello: Hello | null = null;
  #who: Who | null = null;
  /** Since when it is held, monotonic; null: it is not, or had its turn since. */
  #heldSince: number | null = null;
  /** The verdict that holds it, or held it last. */
  #holding: Decision | null = null;
  /** Whether it got a turn, or needed none. */
  #hadTurn = false;

  /**
   * @param listener the address that the client came to
   * @param log gets the outcome before the client is told
   */
  constructor(
    context: AdmissionContext,
    client: PendingClient,
    listener: string,
    log: (outcome: Outcome) => void,
  ) {
    this.#context = context;
    this.#client = client;
    this.#listener = listener;
    this.#log = log;
    this.#wait = new Wait(context);
    this.#search = new ServerSearch(context, this.#over, client.connection.upgrade?.request);
    this.#ahead = new ServerAhead(context, this.#over);
    this.id = randomId(context.random);
    this.#startedAt = context.clock.monotonic();
  }

  /** Runs the handshake to its end. Returns what the session needs; if the client was not admitted, how it ended. */
  async run(): Promise<Admitted | EndBeforeSession> {
    const stop = () => this.#over.abort();
    const { gone } = this.#client;
    const { closing } = this.#context.lifecycle;
    if (gone.aborted || closing.aborted) stop();
    gone.addEventListener('abort', stop);
    closing.addEventListener('abort', stop);
    try {
      return await this.#run();
    } finally {
      closing.removeEventListener('abort', stop);
      gone.removeEventListener('abort', stop);
      this.#ahead.drop();
      this.#wait.end();
      this.#context.held.remove(this);
    }
  }

  async #run(): Promise<Admitted | EndBeforeSession> {
    const heard = await this.#awaitHello();
    if (heard.kind === 'probe') {
      // Nothing was asked, so nothing is recorded: a probe every second would drown those who came for something.
      this.#client.connection.close();
      return 'probe';
    }
    if (heard.kind === 'failed') return this.refuse(refusal(heard.code, heard.message));
    this.#hello = heard.hello;
    this.#who = new Who(this.#context.settings, this.#client.connection, heard.token);
    this.#helloAt = this.#context.clock.monotonic();
    let applicant: Applicant;
    try {
      applicant = applicantOf(heard.hello, this.id, this.#client.connection.peer);
    } catch (error) {
      return this.refuse(refusal('BAD_HANDSHAKE', (error as Error).message));
    }
    return this.#seek(heard.hello, applicant);
  }

  /** How it waits; only of one that is held. */
  heldClient(): HeldClient {
    const { code, message } = this.#holding as Decision;
    const { peer } = this.#client.connection;
    return {
      connection: this.id,
      client: this.#hello?.version ?? '',
      peer,
      waitedMs: this.#wait.ms,
      code,
      message,
    };
  }

  /** Logs the refusal, then tells the client. Also for one that is not heard out. */
  refuse(decision: Decision): EndBeforeSession {
    this.#log(this.#outcome(decision));
    this.#client.refuse(decision);
    return decision.code === 'CLIENT_LEFT' ? 'client-left' : 'refused';
  }

  /** The client's hello, or why there is none; a gate that drains does not wait for it. */
  #awaitHello(): Promise<HelloResult> {
    const { closing } = this.#context.lifecycle;
    return new Promise((resolve, reject) => {
      const close = () => resolve({ kind: 'failed', code: 'DRAINING', message: draining(null).message });
      closing.addEventListener('abort', close);
      const over = () => closing.removeEventListener('abort', close);
      const heard = (result: HelloResult) => {
        over();
        resolve(result);
      };
      this.#client.hello(this.#ahead).then(heard, (error) => {
        over();
        reject(error);
      });
    });
  }

  /** The loop: ends with the client admitted, or refused. */
  async #seek(hello: Hello, applicant: Applicant): Promise<Admitted | EndBeforeSession> {
    const { judge, lifecycle, news } = this.#context;
    for (;;) {
      // Noted before looking: a change between the look and the wait is not missed.
      const seen = news.count;
      const stranger = this.#who?.refusalOf(applicant) ?? null;
      if (stranger !== null) return this.refuse(stranger);
      const step = await this.#step(applicant);
      if (step.kind === 'again' && !this.#over.aborted) continue;
      if (step.kind === 'reached') return this.#admit(hello, applicant, step);
      const decision = step.kind === 'again' ? judge.decide(applicant) : step.decision;
      const { gone, fault } = this.#client;
      if (gone.aborted) return this.refuse(fault ? faultyClient(fault, decision) : clientLeft(decision));
      if (lifecycle.closing.aborted) return this.refuse(draining(applicant.facts));
      const end = this.#wait.overdue(decision, this.#context.migration.obstacle);
      if (end !== null) return this.refuse(end);
      await this.#hold(decision, seen);
      this.#search.forget();
    }
  }

  /** One look at the facts, and a try to reach a server where they permit it. */
  async #step(applicant: Applicant): Promise<Step> {
    const { cluster, migration, judge, settings } = this.#context;
    const { times } = settings;
    const ordered = orderedVerdict(this.#context, applicant, this.#listener);
    if (ordered !== null) return { kind: 'not-yet', decision: ordered };
    // After standing still (SIGSTOP, a suspended machine) nothing known is good enough, not even to admit by.
    if (cluster.isStale(times.stale)) await Promise.all([cluster.refresh(0), migration.refresh(times.stale)]);
    let decision = judge.decide(applicant);
    if (decision.verdict === 'refuse' || decision.verdict === 'hold') {
      await cluster.refresh(times.fresh);
      if (cluster.isStale(times.refusable)) return { kind: 'again' };
      decision = judge.decide(applicant);
    }
    if (decision.code === 'UPGRADE_REQUIRED') migration.noteWaitingClient(applicant.initiator);
    if (decision.verdict === 'migrate') migration.request(applicant.initiator);
    if (decision.verdict !== 'permit') return { kind: 'not-yet', decision };
    if (await this.#takeTurn(applicant)) return { kind: 'again' };
    return this.#reach(applicant, decision);
  }

  /** Those whom something held go on one after the other. False: there was no turn to wait for. */
  async #takeTurn({ facts: { version } }: Applicant): Promise<boolean> {
    const heldSince = this.#heldSince;
    if (this.#hadTurn && heldSince === null) return false;
    const { peer } = this.#client.connection;
    const turn = this.#context.ramp.turn({ version, peer }, heldSince, this.#over);
    this.#heldSince = null;
    this.#wait.leavePlace();
    this.#hadTurn = true;
    if (turn === null) return false;
    await turn;
    return true;
  }

  /** Policy permits: a server is dialled, and everything is looked at again with its answer in hand. */
  async #reach(applicant: Applicant, permitted: Decision): Promise<Step> {
    const { cluster, judge, settings } = this.#context;
    const fits = () => judge.fitFor(applicant, judge.facts(applicant));
    const reached =
      this.#ahead.take(this.#client.spokenWith ?? null, fits) ?? (await this.#search.reach(applicant));
    if (reached === null) return { kind: 'not-yet', decision: this.#search.notReached(permitted) };
    const facts = judge.facts(applicant);
    const decision = judge.decide(applicant, facts);
    const leave = (step: Step): Step => {
      reached.link.close();
      return step;
    };
    if (
      cluster.isStale(settings.times.stale) ||
      (this.#who?.refusalOf(applicant) ?? null) !== null ||
      orderedVerdict(this.#context, applicant, this.#listener) !== null
    )
      return leave({ kind: 'again' });
    if (this.#over.aborted) return leave({ kind: 'not-yet', decision });
    if (decision.verdict !== 'permit' || !judge.fitFor(applicant, facts)(reached.server))
      return leave({ kind: 'again' });
    const { ramp, sessions } = this.#context;
    const { slots } = sessions;
    if (slots.acquire()) return { kind: 'reached', decision, reached };
    await slots.more();
    return leave(
      slots.isFull
        ? { kind: 'not-yet', decision: tooManySessions(slots.limit, ramp.comeAgain(0)) }
        : { kind: 'again' },
    );
  }

  /** Waits for a change, telling the client from time to time. */
  #hold(decision: Decision, seen: number): Promise<void> {
    const { clock, held, migration, news } = this.#context;
    this.#holding = decision;
    // Servers give a client that dawdles little time, and the upgrade may need this one down.
    this.#ahead.drop();
    held.add(this);
    this.#heldSince ??= clock.monotonic();
    const left = this.#wait.goOn(decision);
    // Only who waits for the upgrade is told how it goes.
    const progress = isForUpgrade(decision) ? migration.progress : null;
    this.#client.wait({
      code: decision.code,
      reason: progress?.text || decision.message,
      progress: progress?.done ?? null,
      deadlineMs: Math.round(left),
    });
    return news.next(seen, Math.min(WAIT_NEWS, left), this.#over);
  }

  /** Tells both sides; the slot of one that can't be told is given back. */
  #admit(hello: Hello, applicant: Applicant, step: Step & { kind: 'reached' }): Admitted {
    try {
      return this.#open(hello, applicant, step);
    } catch (error) {
      step.reached.link.connection.destroy();
      this.#context.sessions.slots.release();
      throw error;
    }
  }

  #open(hello: Hello, applicant: Applicant, { decision, reached }: Step & { kind: 'reached' }): Admitted {
    const session = randomId(this.#context.random, 16);
    const { server, link } = reached;
    const version = server.version && printVersion(server.version);
    this.#log({ ...this.#outcome(decision), session, server: server.id, serverVersion: version });
    link.openSession({
      session,
      peer: this.#client.connection.peer,
      client: { version: hello.version, driver: hello.driver, properties: hello.properties },
    });
    this.#context.ramp.noteAdmitted();
    this.#client.permit({
      session,
      server: { id: server.id, version },
      level: decision.observed.level,
      waitedMs: Math.round(this.#wait.ms),
      notices: decision.notices,
      decision,
    });
    return { session, hello, identity: this.#who?.identity ?? null, applicant, reached };
  }

  #outcome(decision: Decision): Outcome {
    const round = (ms: number) => Math.round(ms * 1_000) / 1_000;
    const { dialMs } = this.#search;
    return {
      decision,
      connection: this.id,
      peer: this.#client.connection.peer,
      driver: this.#hello?.driver ?? null,
      protocol: this.#client.protocol,
      claim: claimIn(this.#hello),
      tls: { requested: this.#client.tlsRequested ?? false, version: null },
      properties: recordable(this.#hello?.properties ?? {}, this.#context.settings.recordedProperties),
      identity: this.#who?.identity ?? null,
      credential: this.#who?.credential ?? null,
      session: null,
      server: null,
      serverVersion: null,
      waitedFor: this.#wait.for,
      phases: {
        helloMs: this.#helloAt === null ? null : round(this.#helloAt - this.#startedAt),
        heldMs: round(this.#wait.ms),
        dialMs: dialMs === null ? null : round(dialMs),
        totalMs: round(this.#context.clock.monotonic() - this.#startedAt),
      },
    };
  }
}

/** What a client that does not speak the handshake claims, for its record. */
function claimIn(hello: Hello | null): Outcome['claim'] {
  if (hello?.claim === undefined) return null;
  return { value: hello.version, source: hello.claim.source };
}
