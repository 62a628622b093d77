/**
 * The one way in which a program is run: it leads a process group of its own, which ends with it or when the signal
 * aborts; its output is read at a bounded rate, so that a program which floods it holds up nobody but itself.
 */
import { spawn } from 'node:child_process';
import { setTimeout as later } from 'node:timers';
import { killGroup } from './group.ts';

export interface Program {
  /** The program, and its arguments. */
  readonly command: readonly string[];
  /** Working directory. */
  readonly folder: string;
  /** Default: that of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Ends the group at once when it aborts. */
  readonly signal: AbortSignal;
  /** Gets standard output as it comes, in chunks of at most 64 KiB. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Called once it runs; what it resolves to goes to standard input, which is closed then. Default: it gets none. */
  readonly input?: (pid: number) => Promise<string>;
}

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit status; null: it was killed by `killedBy`. */
  readonly status: number | null;
  readonly killedBy: string | null;
  /** The end of what it wrote to standard error, where it says what went wrong. */
  readonly complaint: string;
}

/** Characters. */
const MAX_COMPLAINT = 1_000;
/** Between two chunks of output, ms: 6 MB/s at most, and a hundred wake-ups a second. */
const READ_PAUSE = 10;
/** What its output gets to be read to its end, once the program is gone, ms: a daemon may keep it open for ever. */
const OUTPUT_TIME = 1_000;

/**
 * Runs a program to its end. Children that it leaves behind in its group are ended with it.
 * @throws {Error} if it can't be started
 */
export function runProgram({
  command,
  folder,
  environment,
  signal,
  onOutput,
  input,
}: Program): Promise<ProgramEnd> {
  const [program, ...args] = command as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let letGo: NodeJS.Timeout | undefined;
    /** What left the group may hold its output open for ever. */
    const end = () => {
      killGroup(child.pid);
      letGo ??= later(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, OUTPUT_TIME);
    };
    const over = () => {
      clearTimeout(letGo);
      signal.removeEventListener('abort', end);
    };
    let complaint = '';
    readSlowly(child.stdout, onOutput);
    readSlowly(child.stderr, (chunk) => {
      complaint = `${complaint}${chunk.toString('utf8')}`.slice(-MAX_COMPLAINT);
    });
    child.stdin.on('error', () => {});
    child.once('error', (error) => {
      over();
      reject(error);
    });
    child.once('spawn', () => {
      if (input === undefined) child.stdin.end();
      else input(child.pid as number).then((text) => child.stdin.end(text), end);
    });
    child.once('exit', end);
    child.once('close', (status, killedBy) => {
      over();
      resolve({ status, killedBy, complaint: complaint.trim() });
    });
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });
}

/** Chunk by chunk, with a rest after each: meanwhile the pipe fills, and the program has to wait. */
function readSlowly(stream: NodeJS.ReadableStream, each: (chunk: Buffer) => void): void {
  stream.on('data', (chunk: Buffer) => {
    each(chunk);
    stream.pause();
    later(() => stream.resume(), READ_PAUSE);
  });
}
