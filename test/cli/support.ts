/** A gate started by the real command, with servers started by it, on free ports. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import { RefusedError } from '../../src/client/session.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { type Program, startCli } from '../support/program.ts';
import { type ServerSpec, TestServer } from '../support/servers.ts';

export interface ServedGate {
  readonly program: Program;
  readonly folder: string;
  /** With scheme, in the order of the config. */
  readonly addresses: readonly string[];
  /** As a client spells the first listener: `skewgate://HOST:PORT/?version=…`. */
  url(version: string, at?: number): string;
  /** The decision log so far; whole lines. */
  records(): LogLine[];
}

export type LogLine = { readonly event: string; readonly [field: string]: unknown };

/** Writes `config` (YAML without `listen:`, unless it has its own) to a temporary folder and serves it. */
export async function serveGate(
  config: string,
  {
    log = 'log: { file: decisions.ndjson }',
    listen = '[{ tcp: 127.0.0.1:0 }, { ws: 127.0.0.1:0 }]',
    folder = tempFolder(),
    stdout,
  }: { log?: string; listen?: string; folder?: string; stdout?: number } = {},
): Promise<ServedGate> {
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(file, [`listen: ${listen}`, log, config].join('\n'));
  const program = startCli(['serve', file], stdout === undefined ? {} : { stdout });
  const [, listening] = (await program.waitFor(/listening on (.*)\n/, 'stderr')) as unknown as [
    string,
    string,
  ];
  const addresses = listening.split(', ');
  return {
    program,
    folder,
    addresses,
    url: (version, at = 0) =>
      `${(addresses[at] as string).replace('tcp:', 'skewgate:').replace('ws:', 'skewgate+ws:')}/?version=${version}`,
    records() {
      const decisions = path.join(folder, 'decisions.ndjson');
      if (!existsSync(decisions)) return [];
      return readFileSync(decisions, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
  };
}

/** A simulated server inside this process; echoes. Returns its address. */
export async function echoServer(version: string, more: Partial<ServerSpec> = {}): Promise<TestServer> {
  const server = await TestServer.start(realEnvironment, 'echo', { version, ...more });
  onTestFinished(() => server.stop());
  return server;
}

/** What becomes of one client: its session is closed again. */
export async function outcomeOf(url: string): Promise<string> {
  try {
    const session = await connectTo(parseUrl(url), realRuntime);
    session.on('error', () => {}).destroy();
    return `admitted by ${session.server.version}`;
  } catch (error) {
    return error instanceof RefusedError ? error.code : (error as Error).name;
  }
}

/** `skewgate server`, and its address. */
export async function startServerCli(
  version: string,
  more: readonly string[] = [],
): Promise<{ program: Program; address: string }> {
  const program = startCli(['server', '--version', version, '--listen', '127.0.0.1:0', ...more]);
  const [, address] = await program.waitFor(/ on ((?:tcp|ws):\/\/\S+?)(?:,|\n)/, 'stdout');
  return { program, address: address as string };
}

/** YAML of servers, in order: ids s1, s2 and so on. */
export function serversOf(...addresses: string[]): string {
  return [
    'servers:',
    ...addresses.map((address, at) => `  - { id: s${at + 1}, address: '${address}' }`),
  ].join('\n');
}

export const FAST = 'timeouts: { probe: 100ms, drain: 2s, hold: 500ms }';
