/** Learns the version of a server that does not speak the handshake: from a program's output or over HTTP. */
import { spawn } from 'node:child_process';
import { parseVersion, type Version } from '../version/version.ts';
import { killGroup } from './process-group.ts';

export interface VersionSource {
  readonly command?: readonly string[] | undefined;
  readonly http?: string | undefined;
  /** Its first group, or the whole match, is the version. */
  readonly pattern?: string | undefined;
}

const DEFAULT_PATTERN = /\d+\.\d+\.\d+(?:[-+][0-9A-Za-z][0-9A-Za-z.+_-]*)?/;
const MAX_OUTPUT = 65_536;
const MAX_COMPLAINT = 500;

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

/** The program leads a process group of its own, which ends with it: asked every few seconds, leftovers would pile up. */
function run([program, ...args]: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Error(`${program} was aborted`));
    const child = spawn(program as string, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const kill = () => killGroup(child.pid);
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT) kill();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(-MAX_COMPLAINT);
    });
    const giveUp = () => {
      kill();
      // What left the group may hold them open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal.addEventListener('abort', giveUp);
    child.once('error', reject);
    child.once('exit', kill);
    child.once('close', (status) => {
      signal.removeEventListener('abort', giveUp);
      if (signal.aborted) reject(new Error(`${program} was aborted`));
      else if (output.length > MAX_OUTPUT)
        reject(new Error(`${program} wrote more than ${MAX_OUTPUT} bytes`));
      else if (status === 0) resolve(output);
      else reject(new Error(`${program} ended with status ${status}: ${complaint.trim()}`));
    });
  });
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
