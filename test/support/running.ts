/** Starts the real command and leaves it running: `await startCli(['serve', file], /listening on (\S+)/)`. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const START_MS = 15_000;
const STOP_MS = 10_000;

export interface Running {
  readonly pid: number;
  /** What `ready` found. */
  readonly match: RegExpExecArray;
  /** Standard output and standard error so far, as they came. */
  output(): string;
  /** Resolves to its status, or null when a signal ended it; by force when it takes too long. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Resolves once its output matches `ready`. @throws with the output, if it ends or takes too long before. */
export async function startCli(args: readonly string[], ready: RegExp): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const started = Promise.withResolvers<RegExpExecArray>();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const refuse = (why: string) => started.reject(new Error(`${args.join(' ')} ${why}:\n${output}`));
  const hear = (chunk: string) => {
    output += chunk;
    const match = ready.exec(output);
    if (match) started.resolve(match);
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  child.once('error', (error) => refuse(error.message));
  void ended.then((status) => refuse(`ended with status ${status}`));
  const late = setTimeout(() => {
    refuse(`was not ready within ${START_MS} ms`);
    child.kill('SIGKILL');
  }, START_MS);
  const match = await started.promise.finally(() => clearTimeout(late));
  return {
    pid: child.pid as number,
    match,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      if (child.exitCode === null) child.kill(signal);
      const status = await ended;
      clearTimeout(force);
      return status;
    },
  };
}
