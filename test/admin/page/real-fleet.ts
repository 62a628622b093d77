/**
 * A fleet of real parts for the page: gates that the command runs, which share a ledger, in front of simulated servers
 * with system tables. Servers are replaced as whoever deploys them would; everything else is for the page to do.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { connectTo } from '../../../src/client/connect.ts';
import type { Session } from '../../../src/client/session.ts';
import { parseUrl } from '../../../src/client/url.ts';
import type { ServerOptions } from '../../../src/server/server.ts';
import { createMemoryTables } from '../../../src/server/tables.ts';
import { freePort } from '../../clients/support.ts';
import { realEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { type Program, startCli } from '../../support/program.ts';
import { TestServer } from '../../support/servers.ts';

/** A gate that the command runs. */
export interface RealGate {
  readonly program: Program;
  readonly config: string;
  /** Where its page is, without the token. */
  readonly admin: string;
  readonly token: string;
  /** Addresses of its listeners, `tcp://HOST:PORT`, in the order of the config. */
  readonly addresses: readonly string[];
  /** What its API answers. */
  ask<T>(path: string): Promise<T>;
}

export interface RealFleet {
  readonly servers: readonly TestServer[];
  readonly gates: readonly RealGate[];
  readonly level: () => number;
}

export interface RealFleetOptions {
  readonly gates: number;
  readonly version: string;
  readonly level: number;
  readonly upgradeMs: number;
  /** Of the config: listeners of each gate beside the one that speaks the handshake. */
  readonly assume?: readonly string[];
  readonly serve?: ServerOptions['serve'];
}

/** Three servers, and gates on free ports; all end with the test. */
export async function startRealFleet(options: RealFleetOptions): Promise<RealFleet> {
  const { gates, version, level, upgradeMs, assume = [], serve } = options;
  const tables = createMemoryTables(level);
  const folder = tempFolder();
  const servers = await Promise.all(
    ['rs1', 'rs2', 'rs3'].map((id) =>
      TestServer.start(realEnvironment, id, { version, id, tables, upgradeMs, ...(serve && { serve }) }),
    ),
  );
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  const names = Array.from({ length: gates }, (_, at) => `gate-${'ab'[at] ?? at}`);
  const started: RealGate[] = [];
  for (const name of names) started.push(await startRealGate(name, folder, servers, assume));
  return { servers, gates: started, level: () => tables.level };
}

async function startRealGate(
  id: string,
  folder: string,
  servers: readonly TestServer[],
  assume: readonly string[],
): Promise<RealGate> {
  const port = await freePort();
  const config = path.join(folder, `${id}.yaml`);
  const listen = [
    { tcp: '127.0.0.1:0' },
    ...assume.map((version) => ({ tcp: '127.0.0.1:0', assume: version })),
  ];
  writeFileSync(
    config,
    JSON.stringify({
      id,
      cluster: 'orders',
      listen,
      servers: servers.map((server) => ({ id: server.id, address: server.address })),
      admin: { listen: `127.0.0.1:${port}`, tokenFile: `${id}.token` },
      migration: { ledger: 'sqlite:ledger.db', trigger: { approval: true } },
      timeouts: { probe: '250ms', fresh: '200ms', dial: '10s', hold: '30s', drain: '1s' },
      log: { file: `${id}.ndjson` },
    }),
  );
  const program = startCli(['serve', config]);
  const [, admin, token] = (await program.waitFor(
    /admin on (http:\S+)\/#token=(\S+)\n/,
    'stderr',
  )) as unknown as string[];
  const [, listening] = (await program.waitFor(/listening on (.*)\n/, 'stderr')) as unknown as string[];
  return {
    program,
    config,
    admin: admin as string,
    token: token as string,
    addresses: (listening as string).split(', '),
    ask: async <T>(at: string) => (await fetch(admin + at)).json() as T,
  };
}

/** A client by the driver, called `name`. */
export function connectAs(
  gate: RealGate,
  version: string,
  name: string,
  signal?: AbortSignal,
): Promise<Session> {
  const address = (gate.addresses[0] as string).replace('tcp:', 'skewgate:');
  return connectTo(
    parseUrl(`${address}/?version=${version}&name=${name}`),
    realEnvironment,
    signal ? { signal } : {},
  );
}
