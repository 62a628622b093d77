/**
 * A program as a hook: facts as environment variables and as JSON on standard input, progress as lines on
 * standard output, status 0 for done. It leads a process group of its own, which is killed whole when the
 * signal aborts.
 */
import { describeProcess } from '../../process/find-process.ts';
import { type ProgramEnd, runProgram } from '../../process/run-program.ts';
import { environmentOf, type Hook, HookError } from './hook.ts';
import { LineReader, parseProgress } from './lines.ts';

/** Waits for a line before it becomes the program, so that nothing runs that is not on record. */
const GO_AHEAD = 'read -r go && exec "$@"';

/** From this status on it is the shell that speaks: the program is not there, or is none. */
const CANNOT_RUN = 126;

export interface CommandHookOptions {
  readonly command: readonly string[];
  /** Working directory. */
  readonly folder: string;
}

/** Makes a hook of a program. It runs once its process is on record, and not before. */
export function createCommandHook({ command, folder }: CommandHookOptions): Hook {
  const program = command[0] as string;
  return {
    name: command.join(' '),
    async run(facts, { signal, progress, started }) {
      if (signal.aborted) throw new HookError('stopped before it began');
      let unrecorded: Error | null = null;
      const lines = new LineReader((line) => progress(parseProgress(line)));
      const end = await runProgram({
        command: ['/bin/sh', '-c', GO_AHEAD, 'skewgate-hook', ...command],
        folder,
        environment: { ...process.env, ...environmentOf(facts) },
        signal,
        onOutput: (chunk) => lines.read(chunk),
        async input(pid) {
          await started(describeProcess(pid)).catch((error) => {
            unrecorded = error as Error;
            throw error;
          });
          return `go\n${JSON.stringify(facts)}\n`;
        },
      }).catch((error) => {
        throw new HookError(`${program}: ${(error as Error).message}`);
      });
      lines.end();
      return outcomeOf(program, end, signal, unrecorded);
    },
  };
}

/** @throws {HookError} unless it is done. */
function outcomeOf(
  program: string,
  end: ProgramEnd,
  signal: AbortSignal,
  unrecorded: Error | null,
): { readonly level: null } {
  if (end.status === 0 && !signal.aborted) return { level: null };
  if (unrecorded !== null)
    throw new HookError(`${program} could not be put on record, so it was not run: ${unrecorded.message}`);
  throw new HookError(whyItFailed(program, end, signal), {
    said: end.status !== null && end.status < CANNOT_RUN && !signal.aborted,
  });
}

function whyItFailed(
  program: string,
  { status, killedBy, complaint }: ProgramEnd,
  signal: AbortSignal,
): string {
  const how = signal.aborted
    ? `was stopped (${(signal.reason as Error)?.message ?? 'aborted'})`
    : status === null
      ? `was killed by ${killedBy}`
      : `ended with status ${status}`;
  return `${program} ${how}${complaint === '' ? '' : `: ${complaint}`}`;
}
