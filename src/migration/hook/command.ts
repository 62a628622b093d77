/**
 * A program as a hook: facts as environment variables and as JSON on standard input, progress as lines on
 * standard output, status 0 for done. It leads a process group of its own, which is killed whole when the
 * signal aborts.
 */
import { spawn } from 'node:child_process';
import { killGroup } from '../../backend/process-group.ts';
import { environmentOf, type Hook, HookError } from './hook.ts';
import { parseProgress, readLines } from './lines.ts';
import { describeProcess } from './process.ts';

/** Waits for a line before it becomes the program, so that nothing runs that is not on record. */
const GO_AHEAD = 'read -r go && exec "$@"';
/** The end of it: that says what went wrong. */
const MAX_ERROR_TEXT = 1_000;
/** What its output gets to be read to its end, once the program is gone, ms: a daemon may keep it open for ever. */
const OUTPUT_TIME = 1_000;

/** From this status on it is the shell that speaks: the program is not there, or is none. */
const CANNOT_RUN = 126;

export interface CommandHookOptions {
  readonly command: readonly string[];
  /** Working directory. */
  readonly folder: string;
}

export function createCommandHook({ command, folder }: CommandHookOptions): Hook {
  const [program, ...args] = command as [string, ...string[]];
  return {
    name: command.join(' '),
    run: (facts, { signal, progress, started }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new HookError('stopped before it began'));
        const child = spawn('/bin/sh', ['-c', GO_AHEAD, 'skewgate-hook', program, ...args], {
          cwd: folder,
          env: { ...process.env, ...environmentOf(facts) },
          stdio: ['pipe', 'pipe', 'pipe'],
          detached: true,
        });
        const kill = () => killGroup(child.pid);
        signal.addEventListener('abort', kill);
        let complaint = '';
        let unrecorded: Error | null = null;
        child.stderr.setEncoding('utf8').on('data', (chunk) => {
          complaint = `${complaint}${chunk}`.slice(-MAX_ERROR_TEXT);
        });
        readLines(child.stdout, (line) => progress(parseProgress(line)));
        child.stdin.on('error', () => {});
        child.once('error', (error) => {
          signal.removeEventListener('abort', kill);
          reject(new HookError(`${program}: ${error.message}`));
        });
        child.once('spawn', () => {
          started(describeProcess(child.pid as number)).then(
            () => child.stdin.end(`go\n${JSON.stringify(facts)}\n`),
            (error) => {
              unrecorded = error as Error;
              kill();
            },
          );
        });
        let letGo: NodeJS.Timeout | undefined;
        child.once('exit', () => {
          // Children that it left behind are not let go on unnoticed.
          kill();
          letGo = setTimeout(() => {
            child.stdout.destroy();
            child.stderr.destroy();
          }, OUTPUT_TIME);
        });
        child.once('close', (status, killedBy) => {
          clearTimeout(letGo);
          signal.removeEventListener('abort', kill);
          if (status === 0 && !signal.aborted) resolve({ level: null });
          else if (unrecorded !== null)
            reject(
              new HookError(
                `${program} could not be put on record, so it was not run: ${unrecorded.message}`,
              ),
            );
          else
            reject(
              new HookError(whyItFailed(program, status, killedBy, signal, complaint), {
                said: status !== null && status < CANNOT_RUN && !signal.aborted,
              }),
            );
        });
      }),
  };
}

function whyItFailed(
  program: string,
  status: number | null,
  killedBy: string | null,
  signal: AbortSignal,
  complaint: string,
): string {
  const how = signal.aborted
    ? `was stopped (${(signal.reason as Error)?.message ?? 'aborted'})`
    : status === null
      ? `was killed by ${killedBy}`
      : `ended with status ${status}`;
  return `${program} ${how}${complaint.trim() === '' ? '' : `: ${complaint.trim()}`}`;
}
