/**
 * The process that has no clients: it starts the workers, replaces one that dies, divides the limits among them, names
 * the one that probes, and hands what one finds out about a server to the others. Workers know each other by it only.
 *
 * The first worker binds the addresses, so that a port chosen by the system is the same for all, and a config that
 * can't be served is told once.
 */
import type { Config } from '../config/schema.ts';
import type { GateEvent } from '../events/events.ts';
import type { Clock } from '../ports/clock.ts';
import type { Prepared } from '../ports/prepared.ts';
import { alignAddresses, boundAddresses } from './align.ts';
import { Allotment } from './allotment.ts';
import { Answers } from './answers.ts';
import { LIMITS, type Limit, type Start, type ToSupervisor, type ToWorker } from './messages.ts';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A worker's process. */
export interface WorkerProcess {
  /** Says something to it; lost if it is gone. */
  send(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

/** What a worker's process tells. */
export interface WorkerListener {
  message(message: ToSupervisor): void;
  /** Called once, and last. */
  exit(exit: Exit): void;
}

export interface SupervisorOptions {
  /** How many workers. */
  readonly workers: number;
  readonly start: Pick<Start, 'file' | 'config' | 'folder'>;
  /** For all workers together. */
  readonly limits: Readonly<Record<Limit, number>>;
  readonly clock: Clock;
  /** Starts a process. */
  readonly fork: (worker: number, listener: WorkerListener) => WorkerProcess;
  /** One line for the operator. */
  readonly say: (line: string) => void;
}

interface Worker {
  readonly number: number;
  readonly process: WorkerProcess;
  readonly startedAt: number;
  isListening: boolean;
}

/** A worker that ended before its time: there is no gate then. */
export class WorkerFailed extends Error {
  override readonly name = 'WorkerFailed';
  readonly exit: Exit;

  constructor(exit: Exit) {
    super(`the first worker ended with ${spellExit(exit)}`);
    this.exit = exit;
  }
}

/** ms: a worker that lives no longer than that has a replacement that waits, each time longer. */
const SHORT_LIFE = 5_000;
/** ms beyond the time of a dial, in which a worker says whether it can do a reload. */
const ANSWER_MS = 10_000;
/** The first such replacement does not wait, the second waits for a second, and none for more than this; ms. */
const LONGEST_WAIT = 5_000;

/** The workers of one gate, from their start to their end; it is started once. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workers = new Map<number, Worker>();
  readonly #allotments: Readonly<Record<Limit, Allotment>>;
  readonly #askers: Readonly<Record<Limit, Asker[]>> = { handshakes: [], sessions: [], waiting: [] };
  readonly #up = Promise.withResolvers<readonly string[]>();
  readonly #ended = Promise.withResolvers<void>();
  /** As the gate goes by it now. */
  #config: Config;
  #addresses: readonly string[] | null = null;
  /** To a question that all workers were asked. */
  #answers: Answers | null = null;
  #prober: number | null = null;
  #stops = 0;
  /** How many workers in a row lived no longer than a short time. */
  #shortLives = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { limits, workers } = options;
    this.#config = options.start.config;
    this.#allotments = {
      handshakes: new Allotment(limits.handshakes, workers),
      sessions: new Allotment(limits.sessions, workers),
      waiting: new Allotment(limits.waiting, workers),
    };
  }

  /**
   * Starts the first worker, then the others.
   * @returns the addresses that they share, once all listen; never, where `stop` is called first
   * @throws {WorkerFailed} if the first one could not begin
   */
  start(): Promise<readonly string[]> {
    this.#fork(1);
    return this.#up.promise;
  }

  /** Lets all drain and end; called again, at once. @returns when all have ended */
  stop(): Promise<void> {
    this.#stops++;
    for (const { process } of this.#workers.values()) process.send({ kind: 'stop' });
    if (this.#workers.size === 0) this.#ended.resolve();
    return this.#ended.promise;
  }

  /** Ends those that did not end in order. */
  kill(): void {
    for (const { process } of this.#workers.values()) process.kill();
  }

  /** As the gate goes by it now. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Has every worker do all of a reload that can fail; one that can't has none of them do the rest.
   * @returns the change; who is started meanwhile is ended by it, and replaced by one that goes by `next`
   * @throws {Error} if a worker can't, or is not there yet
   */
  async prepare(next: Config): Promise<Prepared> {
    const asked = [...this.#workers.values()];
    if (this.#addresses === null || asked.length < this.#options.workers)
      throw new Error('a worker is being replaced: try again once it listens');
    if (!asked.every(({ isListening }) => isListening))
      throw new Error('a worker is being started: try again once it listens');
    const addresses = alignAddresses(this.#config.listen, this.#addresses, next.listen);
    this.#answers = new Answers(
      asked.map(({ number }) => number),
      this.#options.clock,
      this.#config.timeouts.dial + ANSWER_MS,
    );
    for (const { process } of asked) process.send({ kind: 'prepare', config: next, addresses });
    const failed = await this.#answers.all;
    const abandon = () => {
      for (const { process } of asked) process.send({ kind: 'abandon' });
    };
    if (failed !== null) {
      abandon();
      throw new Error(failed);
    }
    return { commit: () => this.#commit(next, boundAddresses(next.listen, addresses), asked), abandon };
  }

  #commit(next: Config, addresses: readonly string[], prepared: readonly Worker[]): void {
    this.#config = next;
    this.#addresses = addresses;
    const limits = { ...next.limits, waiting: next.migration.hold.clients };
    const more = LIMITS.map((limit) => [limit, this.#allotments[limit].resize(limits[limit])] as const);
    for (const worker of this.#workers.values())
      if (prepared.includes(worker)) {
        const room = Object.fromEntries(more.map(([limit, by]) => [limit, by.get(worker.number) ?? 0]));
        worker.process.send({ kind: 'commit', limits, room: room as Record<Limit, number> });
      } else worker.process.kill();
  }

  /** Has every worker record what happened to the gate as a whole. */
  record(event: GateEvent): void {
    for (const { process } of this.#workers.values()) process.send({ kind: 'record', event });
  }

  /** Has every worker open its log again. */
  reopenLogs(): void {
    for (const { process } of this.#workers.values()) process.send({ kind: 'reopen-log' });
  }

  #fork(number: number): void {
    const { fork, start, clock } = this.#options;
    const process = fork(number, {
      message: (message) => this.#heard(worker, message),
      exit: (exit) => this.#exited(worker, exit),
    });
    const worker: Worker = { number, process, startedAt: clock.monotonic(), isListening: false };
    this.#workers.set(number, worker);
    const room = { handshakes: 0, sessions: 0, waiting: 0 };
    for (const limit of LIMITS) room[limit] = this.#allotments[limit].begin(number);
    process.send({
      kind: 'start',
      worker: number,
      ...start,
      config: this.#config,
      addresses: this.#addresses,
      room,
    });
  }

  #heard(worker: Worker, message: ToSupervisor): void {
    switch (message.kind) {
      case 'listening':
        return this.#listening(worker, message.addresses);
      case 'prepared':
        return this.#answers?.take(worker.number, message.error);
      case 'more':
        return this.#more(worker, message.limit);
      case 'back':
        return this.#back(worker, message.limit, message.count);
      case 'found':
        for (const other of this.#workers.values()) if (other !== worker) other.process.send(message);
    }
  }

  #listening(worker: Worker, addresses: readonly string[]): void {
    worker.isListening = true;
    this.#nameProber();
    if (this.#addresses === null) {
      this.#addresses = addresses;
      for (let number = 2; number <= this.#options.workers; number++) this.#fork(number);
    }
    const all = [...this.#workers.values()];
    if (all.length === this.#options.workers && all.every(({ isListening }) => isListening))
      this.#up.resolve(this.#addresses);
  }

  /** Any worker would do: the one with the lowest number that listens. */
  #nameProber(): void {
    if (this.#prober !== null) return;
    const next = [...this.#workers.values()].filter(({ isListening }) => isListening);
    next.sort((one, other) => one.number - other.number);
    this.#prober = next[0]?.number ?? null;
    next[0]?.process.send({ kind: 'probe' });
  }

  /** A worker is out of room: what is free, or what the others can spare. */
  #more(worker: Worker, limit: Limit): void {
    const count = this.#allotments[limit].more(worker.number);
    const others = [...this.#workers.values()].filter((other) => other !== worker);
    if (count > 0 || others.length === 0) return worker.process.send({ kind: 'room', limit, count });
    this.#askers[limit].push({ worker, awaited: new Set(others.map(({ number }) => number)) });
    for (const { process } of others) process.send({ kind: 'spare', limit });
  }

  #back(worker: Worker, limit: Limit, count: number): void {
    this.#allotments[limit].takeBack(worker.number, count);
    this.#answerAskers(limit, worker.number);
  }

  /** @param answered the worker that gave back what it could, or is gone */
  #answerAskers(limit: Limit, answered: number): void {
    const askers = this.#askers[limit];
    for (const asker of [...askers]) {
      asker.awaited.delete(answered);
      const count = this.#allotments[limit].more(asker.worker.number);
      if (count === 0 && asker.awaited.size > 0) continue;
      askers.splice(askers.indexOf(asker), 1);
      asker.worker.process.send({ kind: 'room', limit, count });
    }
  }

  #exited(worker: Worker, exit: Exit): void {
    this.#workers.delete(worker.number);
    this.#answers?.take(worker.number, `worker ${worker.number} ended with ${spellExit(exit)}`);
    for (const limit of LIMITS) {
      this.#allotments[limit].end(worker.number);
      const askers = this.#askers[limit];
      const own = askers.findIndex((asker) => asker.worker === worker);
      if (own >= 0) askers.splice(own, 1);
      this.#answerAskers(limit, worker.number);
    }
    if (this.#prober === worker.number) this.#prober = null;
    this.#nameProber();
    if (this.#stops > 0) {
      if (this.#workers.size === 0) this.#ended.resolve();
    } else if (this.#addresses === null) this.#up.reject(new WorkerFailed(exit));
    else this.#replace(worker, exit);
  }

  #replace({ number, startedAt }: Worker, exit: Exit): void {
    const { clock, say } = this.#options;
    if (clock.monotonic() - startedAt > SHORT_LIFE) this.#shortLives = 0;
    const wait = Math.min(LONGEST_WAIT, 1_000 * this.#shortLives++);
    const when = wait === 0 ? 'is replaced' : `is replaced in ${wait / 1_000} s`;
    say(`worker ${number} ended with ${spellExit(exit)} and ${when}`);
    clock.after(wait, () => {
      if (this.#stops === 0) this.#fork(number);
    });
  }
}

/** A worker that waits for room, and those that were asked for it and did not answer yet. */
interface Asker {
  readonly worker: Worker;
  readonly awaited: Set<number>;
}

function spellExit({ code, signal }: Exit): string {
  return signal === null ? `status ${code}` : signal;
}
