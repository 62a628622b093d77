/** The version of a server that does not speak the handshake: in a program's output, or in a page over HTTP. */
import { runProgram } from '../process/run-program.ts';
import { parseVersion, type Version } from '../version/version.ts';
import { compileVersionPattern, type VersionPattern } from './version-pattern.ts';

/** Where the version is to be found: `command` or `http`. */
export interface VersionSource {
  readonly command?: readonly string[] | undefined;
  readonly http?: string | undefined;
  /** An expression of RE2. Its first group, or the whole match, is the version. */
  readonly pattern?: string | undefined;
}

/** The first `major.minor` or `major.minor.patch`, with its qualifier. Runs of digits are bounded: time is linear. */
const DEFAULT_PATTERN = /(?<!\d)\d{1,9}\.\d{1,9}(?:\.\d{1,9})?(?!\d)(?:[-+][0-9A-Za-z][0-9A-Za-z.+_-]*)?/;
const TWO_PARTS = /^\d+\.\d+(?=[-+]|$)/;
const MAX_OUTPUT = 65_536;
/** Characters of it that an error quotes. */
const MAX_QUOTED = 80;

/**
 * A question that is asked anew at every probe.
 * @param cwd where the command runs
 * @returns throws {Error} if nobody answers, the answer holds no version, or the signal aborts
 * @throws {Error} if `pattern` is no expression of RE2
 */
export function createVersionProbe(
  source: VersionSource,
  cwd: string,
): (signal: AbortSignal) => Promise<Version> {
  const find = source.pattern === undefined ? firstVersion : compileVersionPattern(source.pattern);
  const lack =
    source.pattern === undefined ? 'has no major.minor.patch: set pattern' : 'does not match pattern';
  return async (signal) => {
    const text = source.command
      ? await run(source.command, cwd, signal)
      : await get(source.http as string, signal);
    const found = find(text);
    if (found !== null) return parseVersion(completed(found));
    const where = source.command ? 'the version command printed' : `${source.http} says`;
    throw new Error(`${where} ${quoted(text)}, which ${lack}`);
  };
}

const firstVersion: VersionPattern = (text) => DEFAULT_PATTERN.exec(text)?.[0] ?? null;

/** Many programs leave out a patch release of 0. */
function completed(version: string): string {
  return version.replace(TWO_PARTS, '$&.0');
}

function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED).toWellFormed()}…` : text;
  return JSON.stringify(cut);
}

/** The standard output of a program that ended well, asked every few seconds. */
async function run(command: readonly string[], folder: string, signal: AbortSignal): Promise<string> {
  const [program] = command;
  if (signal.aborted) throw new Error(`${program} was aborted`);
  const chatty = new AbortController();
  let output = '';
  const decoder = new TextDecoder();
  const { status, complaint } = await runProgram({
    command,
    folder,
    signal: AbortSignal.any([signal, chatty.signal]),
    onOutput(chunk) {
      output += decoder.decode(chunk, { stream: true });
      if (output.length > MAX_OUTPUT) chatty.abort();
    },
  });
  if (signal.aborted) throw new Error(`${program} was aborted`);
  if (chatty.signal.aborted) throw new Error(`${program} wrote more than ${MAX_OUTPUT} bytes`);
  if (status !== 0) throw new Error(`${program} ended with status ${status}: ${complaint}`);
  return output;
}

async function get(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, redirect: 'error' });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop cancels the rest.
    if (text.length >= MAX_OUTPUT) break;
  }
  return text.slice(0, MAX_OUTPUT);
}
