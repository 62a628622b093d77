/** What measurements share: a temporary folder, and the load generator and backend in C. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from './machine/process.ts';
import { findProgram } from './machine/programs.ts';
import { cpuSeconds } from './machine/usage.ts';
import { HELLO, PERMIT, serverHello } from './native/canned.ts';

/** What the clients of one run do. */
export interface Load {
  readonly mode: 'sessions' | 'up' | 'down' | 'ping' | 'retry';
  readonly port: number;
  readonly connections: number;
  readonly webSocket?: boolean;
  /** Bytes of a write. Default: 64. */
  readonly block?: number;
  /** Default: those of the run. */
  readonly seconds?: number;
}

/** What became of it. Latencies in µs, times and CPU in seconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly admitted: number;
  readonly failed: number;
  readonly exchanges: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the load generator. */
  readonly cpu: number;
}

/** A backend that listens. */
export interface Backend {
  readonly ports: readonly number[];
  readonly pid: number;
}

/** How many servers stand behind every proxy. */
const SERVERS = 3;

/** The place of one run of the bench; what was started in it ends with it. */
export class Lab implements AsyncDisposable {
  readonly folder: string;
  /** Seconds that one load lasts. */
  readonly seconds: number;
  /** Whether figures are only to show that everything works. */
  readonly quick: boolean;
  readonly #stack = new AsyncDisposableStack();
  readonly #built = new Map<string, string>();
  readonly #once = new Map<string, Promise<unknown>>();
  #folders = 0;

  static async create(options: { readonly quick: boolean }): Promise<Lab> {
    return new Lab(await mkdtemp(path.join(tmpdir(), 'skewgate-bench-')), options.quick);
  }

  private constructor(folder: string, quick: boolean) {
    this.folder = folder;
    this.quick = quick;
    this.seconds = quick ? 0.15 : 1;
    // Some programs run as another user, who has to reach their own folder in it.
    chmodSync(folder, 0o711);
    this.#stack.defer(() => rm(folder, { recursive: true, force: true }));
  }

  /** An empty folder, for one program. */
  newFolder(name: string): string {
    const folder = path.join(this.folder, `${name}-${++this.#folders}`);
    mkdirSync(folder);
    return folder;
  }

  /** What a measurement starts for itself: it ends with the run, if not before. */
  own<T extends AsyncDisposable>(started: T): T {
    return this.#stack.use(started);
  }

  /** Starts a program that ends with the run at the latest. @throws {Error} if there is no such program */
  async start(command: readonly string[], options?: Parameters<typeof Program.start>[1]): Promise<Program> {
    return this.own(await Program.start(command, options));
  }

  /** The servers that most measurements use: 4.14.1, with the system tables of their release. */
  backend(): Promise<Backend> {
    return this.backendAt(28);
  }

  /** Servers 4.14.1 whose system tables are at a level. */
  backendAt(level: number): Promise<Backend> {
    return this.once(`backend ${level}`, () => this.#startBackend(level));
  }

  /** What several measurements share: made when the first asks for it. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const made = (this.#once.get(name) as Promise<T> | undefined) ?? make();
    this.#once.set(name, made);
    return made;
  }

  /** Runs clients to their end. @throws {Error} if one was refused or cut */
  async load(load: Load): Promise<LoadResult> {
    await using program = await Program.start(this.loadCommand(load));
    return JSON.parse(await program.output());
  }

  /** As `load`, with the CPU seconds that a proxy and the backend used meanwhile. */
  async loadThrough(
    proxy: { readonly pid: number | null },
    load: Load,
  ): Promise<LoadResult & { proxyCpu: number; backendCpu: number }> {
    const backend = await this.backend();
    const used = () => [proxy.pid === null ? 0 : cpuSeconds(proxy.pid), cpuSeconds(backend.pid)] as const;
    const [proxyBefore, backendBefore] = used();
    const result = await this.load(load);
    const [proxyAfter, backendAfter] = used();
    return { ...result, proxyCpu: proxyAfter - proxyBefore, backendCpu: backendAfter - backendBefore };
  }

  /** The command line of the load generator. */
  loadCommand(load: Omit<Load, 'mode'> & { readonly mode: Load['mode'] | 'hold' | 'wait' }): string[] {
    const { mode, port, connections, block = 64, webSocket = false, seconds = this.seconds } = load;
    return [
      this.#program('load'),
      mode,
      this.#file('hello', HELLO),
      ...[port, connections, seconds, block].map(String),
      ...(webSocket ? ['ws'] : []),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #startBackend(level: number): Promise<Backend> {
    const program = await this.start([
      this.#program('backend'),
      this.#file(`server-hello-${level}`, serverHello(level)),
      this.#file('permit', PERMIT),
      String(SERVERS),
    ]);
    await program.line('stdout', /^listening$/);
    const ports = program.said('stdout').filter((line) => /^\d+$/.test(line));
    return { pid: program.pid, ports: ports.map(Number) };
  }

  /** Compiles a program of the folder native, once. @throws {Error} if there is no compiler */
  #program(name: 'load' | 'backend'): string {
    const built = this.#built.get(name);
    if (built !== undefined) return built;
    const file = path.join(this.folder, name);
    const source = fileURLToPath(new URL(`./native/${name}.c`, import.meta.url));
    execFileSync(findProgram('cc') ?? 'cc', ['-O2', '-o', file, source]);
    this.#built.set(name, file);
    return file;
  }

  #file(name: string, bytes: Uint8Array): string {
    const file = path.join(this.folder, `${name}.bin`);
    if (!this.#built.has(name)) writeFileSync(file, bytes);
    this.#built.set(name, file);
    return file;
  }
}
