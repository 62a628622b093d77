/** A child process of the fleet: started until it says that it is ready, signalled, and ended whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface ChildOptions {
  readonly command: readonly [string, ...string[]];
  /** What it prints once it can be used; one that matches nothing at all: as soon as it runs. */
  readonly ready: RegExp;
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it loads guard.ts. */
  readonly guarded?: boolean;
  /** Aborts while it starts: it is killed, and was never there. */
  readonly signal?: AbortSignal;
}

const START_MS = 30_000;
/** What a child that was asked twice to end gets before it is killed. */
const FORCE_MS = 3_000;
/** Characters of its output that are kept. */
const OUTPUT = 20_000;

const alive = new Set<ChildProcess>();
/** The last resort: nothing that this process started outlives it. */
function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

/** One child process. It never outlives this process. */
export class Child {
  /** What `ready` found. */
  readonly match: RegExpExecArray;
  readonly exited: Promise<void>;
  /** Whether its end was asked for. */
  asked = false;
  readonly #process: ChildProcess;
  readonly #output: () => string;

  private constructor(
    child: ChildProcess,
    match: RegExpExecArray,
    exited: Promise<void>,
    output: () => string,
  ) {
    this.#process = child;
    this.match = match;
    this.exited = exited;
    this.#output = output;
  }

  /** @throws with its output, if it ends or takes too long before it is ready. */
  static async start({
    command: [program, ...args],
    ready,
    folder,
    env,
    guarded = false,
    signal,
  }: ChildOptions): Promise<Child> {
    if (signal?.aborted) throw new Error(`${program} is not wanted any more`);
    const child = spawn(program, args, {
      ...(folder !== undefined && { cwd: folder }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(guarded ? ['ipc' as const] : [])],
    });
    if (alive.size === 0) process.on('exit', killAll);
    alive.add(child);
    let output = '';
    const started = Promise.withResolvers<RegExpExecArray>();
    const refuse = (why: string) =>
      started.reject(new Error(`${[program, ...args].join(' ')} ${why}${output && `:\n${output}`}`));
    const hear = (chunk: string) => {
      output = `${output}${chunk}`.slice(-OUTPUT);
      const match = ready.exec(output);
      if (match) started.resolve(match);
    };
    child.once('spawn', () => hear(''));
    child.stdout?.setEncoding('utf8').on('data', hear);
    child.stderr?.setEncoding('utf8').on('data', hear);
    const exited = new Promise<void>((resolve) => {
      const gone = (why: string) => {
        alive.delete(child);
        if (alive.size === 0) process.off('exit', killAll);
        refuse(why);
        resolve();
      };
      child.once('error', (error) => gone(error.message));
      child.once('exit', (status, signal) => gone(`ended with ${signal ?? `status ${status}`}`));
    });
    const giveUp = (why: string) => {
      refuse(why);
      child.kill('SIGKILL');
    };
    const late = setTimeout(() => giveUp(`was not ready within ${START_MS / 1_000} s`), START_MS);
    const abort = () => giveUp('is not wanted any more');
    signal?.addEventListener('abort', abort);
    try {
      const match = await started.promise;
      return new Child(child, match, exited, () => output);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Null while it runs, and if a signal ended it. */
  get status(): number | null {
    return this.#process.exitCode;
  }

  /** Its last words, on both streams. */
  get output(): string {
    return this.#output();
  }

  signal(signal: NodeJS.Signals): void {
    this.asked ||= signal === 'SIGTERM' || signal === 'SIGKILL';
    if (this.running) this.#process.kill(signal);
  }

  /** Asked to end, asked again after `grace` ms, killed if that does not help. */
  async end(grace: number): Promise<void> {
    this.signal('SIGTERM');
    if (await this.#exitsWithin(grace)) return;
    this.signal('SIGTERM');
    if (await this.#exitsWithin(FORCE_MS)) return;
    this.signal('SIGKILL');
    await this.exited;
  }

  async #exitsWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ms);
    void this.exited.then(() => resolve(true));
    return promise.finally(() => clearTimeout(timer));
  }
}
