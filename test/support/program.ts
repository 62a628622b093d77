/** Programs that run until they are told to end. Each is ended by force with the test that started it, if it is not kept. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Changes } from '../../src/ports/changes.ts';
import { until } from './until.ts';

/** Starting a program takes its time on a machine with much else to do. */
const DEADLINE = 15_000;
const STOP_MS = 10_000;
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface ProgramOptions {
  readonly cwd?: string;
  /** Beside the variables of this process; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A descriptor instead of the pipe that `stdout` is read from. */
  readonly stdout?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** It is for several tests, and who started it stops it. */
  readonly keep?: true;
}

export interface Program {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of standard output so far, whole ones. */
  readonly lines: readonly string[];
  /** Resolves with the first match in what it wrote (both streams; `in` narrows). Rejects if it ends before. */
  waitFor(pattern: RegExp, from?: 'stdout' | 'stderr'): Promise<RegExpExecArray>;
  write(text: string): void;
  /** Closes its standard input. */
  endInput(): void;
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, and ends it by force when that takes too long. Resolves as `exited`. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Its status; null when a signal ended it. All it wrote has been read. */
  readonly exited: Promise<number | null>;
}

/** The real command, in the background. Colours are off. */
export function startCli(args: readonly string[], options: ProgramOptions = {}): Program {
  return startProgram(process.execPath, [MAIN, ...args], {
    ...options,
    env: { FORCE_COLOR: undefined, NO_COLOR: undefined, ...options.env },
  });
}

export function startProgram(
  command: string,
  args: readonly string[],
  { stdout, env, keep, ...options }: ProgramOptions = {},
): Program {
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...env },
    stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  const changes = new Changes();
  let over = false;
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      changes.notify();
    });
  child.stdin?.on('error', () => {});
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => {
    over = true;
    changes.notify();
  });
  exited.catch(() => {});
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    if (!over) child.kill(signal);
    return exited.finally(() => clearTimeout(force));
  };
  if (!keep)
    onTestFinished(async () => {
      await stop('SIGKILL').catch(() => {});
    });
  return {
    child,
    exited,
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    get lines() {
      return written.stdout.split('\n').slice(0, -1);
    },
    async waitFor(pattern, from) {
      let match: RegExpExecArray | null = null;
      const look = () => {
        match = pattern.exec(from === undefined ? `${written.stdout}\n${written.stderr}` : written[from]);
        return match !== null;
      };
      const said = () => `${args.join(' ')} said:\n${written.stdout}\n${written.stderr}`;
      await until(changes, () => look() || over, `${pattern}`, DEADLINE).catch((error: Error) => {
        throw new Error(`${error.message}; ${said()}`);
      });
      if (match === null) throw new Error(`ended before ${pattern}; ${said()}`);
      return match;
    },
    write: (text) => void child.stdin?.write(text),
    endInput: () => void child.stdin?.end(),
    signal: (signal) => void child.kill(signal),
    stop,
  };
}
