/** The gate, as a user runs it: built, with a config file, the policy of the preset phoenix and a decision log. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Lab } from '../lab.ts';
import type { Program } from '../machine/process.ts';
import { type ProxyKind, type Running, runningProgram } from './proxy.ts';

/** What is started instead of the command, and what its config has beside listeners and servers. */
export interface GateOptions {
  readonly command?: readonly string[];
  /** Further arguments, behind the config file. */
  readonly after?: readonly string[];
  readonly config?: Readonly<Record<string, unknown>>;
}

/** How the command is started, before its config file. */
export const SERVE = [fileURLToPath(new URL('../../src/cli/skewgate.cjs', import.meta.url)), 'serve'];

/** The gate; clients speak the native handshake. */
export const GATE: ProxyKind = { id: 'gate', needs: [], start: startGate };

/** Starts a gate in front of servers that speak the handshake, with a TCP and a WebSocket listener. */
export async function startGate(
  lab: Lab,
  servers: readonly number[],
  options: GateOptions = {},
): Promise<Running> {
  return startGateWith(lab, {
    ...options,
    config: {
      listen: [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }],
      servers: servers.map((port, at) => ({ id: `s${at + 1}`, address: `tcp://127.0.0.1:${port}` })),
      ...options.config,
    },
  });
}

/** Starts a gate with a whole config, its log and ledger in a folder of their own. */
export async function startGateWith(
  lab: Lab,
  { command = SERVE, after = [], config }: GateOptions,
): Promise<Running> {
  const file = path.join(lab.newFolder('gate'), 'gate.yaml');
  writeFileSync(file, stringify({ id: 'bench', log: { file: 'decisions.ndjson' }, ...config }));
  const program = await lab.start([process.execPath, ...command, file, ...after]);
  return runningProgram(program, await portsOf(program));
}

/** What the gate says once it listens: `listening on tcp://…, ws://…`. */
async function portsOf(program: Program): Promise<{ port: number; webSocketPort?: number }> {
  const line = await program.line('stderr', /listening on/);
  const portOf = (scheme: string) => Number(new RegExp(`${scheme}://\\S+:(\\d+)`).exec(line)?.[1]);
  const [port, webSocketPort] = [portOf('tcp'), portOf('ws')];
  return { port, ...(Number.isNaN(webSocketPort) ? {} : { webSocketPort }) };
}
