/** Runs the real command to its end: `runCli(['explain', …])`. It is ended by force when it takes too long. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The command, from its source. */
export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Node keeps compiled sources here, so that a command starts three times faster from its second run on. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/compiled/', import.meta.url));
const PLAIN = { FORCE_COLOR: undefined, NO_COLOR: undefined, NODE_COMPILE_CACHE: CACHE };

export interface CliOptions {
  readonly input?: string;
  readonly cwd?: string;
  /** Beside the variables of this process; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

export interface CliResult {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Colours are off unless `env` asks for them. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...PLAIN, ...options.env },
    timeout: options.timeoutMs ?? 15_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A command that does not read its input may be gone before all of it was written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}
