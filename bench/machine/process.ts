/** Programs that a measurement starts: they end with it, each by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** ms that a program gets to end by itself. */
const GRACE = 3_000;
/** ms that a program gets to say or do what it is waited for. */
const PATIENCE = 60_000;
/** Characters of a program's standard error that are kept, to say why it failed. */
const KEPT = 2_000;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** What tells it to end. Default: SIGTERM. */
  readonly stop?: NodeJS.Signals;
}

/** A program that runs. Disposing of it ends it. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #stop: NodeJS.Signals;
  readonly #lines = new Map<'stdout' | 'stderr', string[]>([
    ['stdout', []],
    ['stderr', []],
  ]);
  readonly #exited: Promise<void>;
  #error = '';
  #wake = Promise.withResolvers<void>();

  /** @throws {Error} if there is no such program */
  static async start(
    command: readonly string[],
    { stop = 'SIGTERM', ...options }: ProgramOptions = {},
  ): Promise<Program> {
    const [file = '', ...rest] = command;
    const child = spawn(file, rest, { ...options, stdio: 'pipe' });
    await once(child, 'spawn');
    return new Program(file.split('/').at(-1) as string, child, stop);
  }

  private constructor(name: string, child: ChildProcess, stop: NodeJS.Signals) {
    this.name = name;
    this.#stop = stop;
    this.pid = child.pid as number;
    this.#child = child;
    child.stdin?.on('error', () => {});
    this.#collect('stdout');
    this.#collect('stderr');
    this.#exited = once(child, 'close').then(() => this.#notify());
  }

  /**
   * Resolves to the first line that matches, also one from before the call.
   * @throws {Error} if the program ends first, or says nothing of the kind within a minute
   */
  async line(of: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const wake = this.#wake.promise;
      const found = this.#lines.get(of)?.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      this.requireRunning();
      await within(wake, deadline - Date.now(), () => this.#failure(`did not say ${pattern}`));
    }
  }

  /** The lines so far. */
  said(of: 'stdout' | 'stderr'): readonly string[] {
    return this.#lines.get(of) ?? [];
  }

  /** Resolves to the whole standard output, once the program has ended. @throws {Error} if it failed */
  async output(limit = PATIENCE): Promise<string> {
    await within(this.#exited, limit, () => this.#failure('did not end'));
    if (this.#child.exitCode !== 0) throw this.#failure(`ended with ${this.#child.exitCode}`);
    return (this.#lines.get('stdout') as string[]).join('\n');
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** @throws {Error} with what it said, if it has ended */
  requireRunning(): void {
    if (this.#hasEnded) throw this.#failure('ended');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.endInput();
    this.#child.kill(this.#stop);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), GRACE);
    await this.#exited;
    clearTimeout(late);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #collect(of: 'stdout' | 'stderr'): void {
    const stream = this.#child[of];
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.get(of)?.push(line);
      if (of === 'stderr') this.#error = `${this.#error}${line}\n`.slice(-KEPT);
      this.#notify();
    });
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}${this.#error && `: ${this.#error.trim()}`}`);
  }
}

/** @throws {Error} what `late` makes, after `ms` */
async function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
