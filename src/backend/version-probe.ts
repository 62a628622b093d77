/** Learns the version of a server that does not speak the handshake: from a program's output or over HTTP. */
import { runProgram } from '../process/run-program.ts';
import { parseVersion, type Version } from '../version/version.ts';

export interface VersionSource {
  readonly command?: readonly string[] | undefined;
  readonly http?: string | undefined;
  /** Its first group, or the whole match, is the version. */
  readonly pattern?: string | undefined;
}

const DEFAULT_PATTERN = /\d+\.\d+\.\d+(?:[-+][0-9A-Za-z][0-9A-Za-z.+_-]*)?/;
const MAX_OUTPUT = 65_536;

/** @param cwd for the command. */
export function createVersionProbe(
  source: VersionSource,
  cwd: string,
): (signal: AbortSignal) => Promise<Version> {
  const pattern = source.pattern === undefined ? DEFAULT_PATTERN : new RegExp(source.pattern);
  return async (signal) => {
    const text = source.command
      ? await run(source.command, cwd, signal)
      : await get(source.http as string, signal);
    const match = pattern.exec(text);
    if (match === null) throw new Error(`no version in ${JSON.stringify(text.slice(0, 80))}`);
    return parseVersion(match[1] ?? match[0]);
  };
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
