/** A program that a scenario runs to its end. */
import { execFile } from 'node:child_process';

const MAX_OUTPUT = 1_000_000;
/** How much of its output an error quotes, in characters. */
const SHOWN = 500;

export interface Command {
  readonly command: readonly string[];
  readonly status: number;
  /** ms */
  readonly timeout: number;
}

/** @throws if it ends otherwise than with `status`, or not in time. */
export function runCommand(
  { command, status, timeout }: Command,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [program, ...args] = command as [string, ...string[]];
  const env = { ...process.env, ...environment };
  const options = { cwd: folder, env, timeout, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (child.exitCode === status) return resolve();
      const words = `${stdout}${stderr}`.trim().slice(-SHOWN);
      const how = child.exitCode === null ? (error?.message ?? 'it was killed') : `status ${child.exitCode}`;
      reject(
        new Error(`${command.join(' ')} ended with ${how}, not status ${status}${words && `: ${words}`}`),
      );
    });
    child.stdin?.end();
  });
}
