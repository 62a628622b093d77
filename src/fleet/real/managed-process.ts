/** A gate or server of the fleet: one process after the other under one name. */
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';

export interface ManagedProcessOptions {
  readonly id: string;
  /** It is down: its process ended, or is about to. */
  readonly onDown: () => void;
  /** One line for the person who watches. */
  readonly say: (line: string) => void;
  /** Aborts when the fleet stops: nothing starts any more. */
  readonly over: AbortSignal;
}

/** The command of this package: from its sources, or as built. */
const [GUARD, MAIN] = ['./guard', '../../cli/main'].map(
  (name) => new URL(`${name}${path.extname(import.meta.url)}`, import.meta.url),
) as [URL, URL];
/** Node's own place for compiled sources: a command starts twice as fast from its second time on. */
const COMPILED = process.env.NODE_COMPILE_CACHE ?? path.join(os.tmpdir(), 'node-compile-cache');

/** `skewgate …` */
export function skewgate(...args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, '--import', GUARD.href, fileURLToPath(MAIN), ...args];
}

/** One process after the other under one name: a new one starts once the one before is gone. */
export class ManagedProcess {
  readonly id: string;
  readonly #options: ManagedProcessOptions;
  #child: Child | null = null;
  /** Settles once the process before is gone. */
  #gone: Promise<void> = Promise.resolve();

  constructor(options: ManagedProcessOptions) {
    this.#options = options;
    this.id = options.id;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Resolves to what `ready` found. @throws if it ends before. */
  async start(
    command: readonly [string, ...string[]],
    ready: RegExp,
    folder = '.',
  ): Promise<RegExpExecArray> {
    await this.#gone;
    const child = await Child.start({
      command,
      ready,
      folder,
      guarded: command.includes(GUARD.href),
      signal: this.#options.over,
      env: { NODE_COMPILE_CACHE: COMPILED, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    this.#child = child;
    this.#gone = child.exited;
    void child.exited.then(() => {
      if (!child.asked) this.#options.say(`${this.id} ended by itself:\n${child.output}`);
      this.#forget(child);
    });
    return child.match;
  }

  /** In order; killed if it has not ended some time after `grace` ms. */
  async stop(grace: number): Promise<void> {
    const child = this.#child;
    if (child !== null) await child.end(grace);
    await this.#gone;
    if (child !== null) this.#forget(child);
  }

  kill(): void {
    const child = this.#child;
    if (child === null) return;
    child.signal('SIGKILL');
    this.#forget(child);
  }

  pause(): void {
    this.#child?.signal('SIGSTOP');
  }

  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  #forget(child: Child): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#options.onDown();
  }
}
