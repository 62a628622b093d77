/** The embedded default: three simulated servers on 4.14 whose tables are as 4.13 left them, and what to try. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Writable } from 'node:stream';
import { realRuntime } from '../runtime/real.ts';
import { startServer } from '../server/server.ts';
import { openTables } from '../server/tables.ts';
import { levelOf } from '../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../version/phoenix.ts';
import { parseVersion } from '../version/version.ts';
import { lineOf } from './log-lines.ts';
import { paint } from './print.ts';

const SERVERS = [
  ['rs1', '4.14.0'],
  ['rs2', '4.14.1'],
  ['rs3', '4.14.0'],
] as const;
const TABLES = '4.13.0';
const UPGRADE_MS = 3_000;
/** Where the example keeps its state: gone after an orderly end, still there after a kill. */
const FOLDER = '.skewgate';
/** In it: the process that uses it. */
const OWNER = 'pid';

/** The ports that the documents name; 0 takes whatever is free. */
export const DEMO_PORTS: readonly DemoPorts[] = [
  { tcp: 8700, ws: 8701, admin: 8790 },
  { tcp: 0, ws: 0, admin: 0 },
];

export interface DemoPorts {
  readonly tcp: number;
  readonly ws: number;
  readonly admin: number;
}

/** The example as it runs: everything that its gate needs. */
export interface Demo {
  /** The gate's config, as YAML. */
  config(ports: DemoPorts): string;
  /** Shows decisions as they are made, a line each. */
  readonly log: Writable;
  introduce(addresses: readonly string[], admin: string | null): void;
  close(): Promise<void>;
}

/** Starts the servers of the example, in a folder of its own. @throws {Error} if its state can't be kept there */
export async function startDemo(): Promise<Demo> {
  const folder = freeFolder();
  const left = existsSync(folder);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, OWNER), String(process.pid));
  const tables = openTables(path.join(folder, 'tables.db'), levelOf(PHOENIX_CATALOGUE, parseVersion(TABLES)));
  const servers = await Promise.all(
    SERVERS.map(([id, version]) =>
      startServer({
        id,
        version: parseVersion(version),
        listen: 'tcp://127.0.0.1:0',
        transports: realRuntime.transports,
        clock: realRuntime.clock,
        tables,
        upgradeMs: UPGRADE_MS,
      }),
    ),
  );
  const config = ({ tcp, ws, admin }: DemoPorts) =>
    [
      'cluster: example',
      'listen:',
      `  - tcp: 127.0.0.1:${tcp}`,
      `  - ws: 127.0.0.1:${ws}`,
      'servers:',
      ...servers.flatMap(({ address }, at) => [`  - id: ${SERVERS[at]?.[0]}`, `    address: ${address}`]),
      'policy: { preset: phoenix }',
      `admin: { listen: '127.0.0.1:${admin}', tokenFile: '${folder}/admin.token' }`,
      `migration: { ledger: 'sqlite:${folder}/ledger.db', baseline: ${TABLES}, lease: 5s }`,
    ].join('\n');
  // What happens while the gate starts is shown below the introduction, which one that is stopped before does not get.
  const introduced = Promise.withResolvers<void>();
  return {
    config,
    log: new Writable({
      write(chunk, _encoding, done) {
        const record = JSON.parse(String(chunk));
        const line = lineOf(record);
        if (record.what === 'draining') introduced.resolve();
        void introduced.promise.then(() => {
          if (line !== null) console.log(line);
          done();
        });
      },
    }),
    introduce(addresses, admin) {
      introduce(addresses, admin, folder, left, tables.level);
      introduced.resolve();
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      tables.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function introduce(
  addresses: readonly string[],
  admin: string | null,
  folder: string,
  left: boolean,
  level: number,
): void {
  const [tcp, ws] = addresses.map((address) =>
    address.replace('tcp://', 'skewgate://').replace('ws://', 'skewgate+ws://'),
  ) as [string, string];
  const shown = (command: string) => paint('cyan', command);
  console.log(
    [
      left
        ? `skewgate is up again: it was killed before, and goes on with what it left in ${folder} (system tables at level ${level}).`
        : `skewgate is up: three servers on 4.14, system tables still as ${TABLES} left them.`,
      '',
      `  ${tcp}`,
      `  ${ws}`,
      '',
      'For its operator, with the token of this run:',
      '',
      `  ${admin}`,
      '',
      'Try in another terminal:',
      '',
      '  a client that is admitted (older minor, inside the window):',
      `    ${shown(`npx skewgate connect '${tcp}/?version=4.13.2'`)}`,
      '  one that is refused (newer than the servers), with who must move:',
      `    ${shown(`npx skewgate connect '${tcp}/?version=4.15.0'`)}`,
      '  one that brings the one-time upgrade of the system tables, and is then admitted:',
      `    ${shown(`npx skewgate connect '${ws}/?version=4.14.0'`)}`,
      '',
      '  and how that upgrade stands:',
      `    ${shown(`npx skewgate migration status --ledger sqlite:${folder}/ledger.db --cluster example`)}`,
      '',
      'Admitted clients talk to an echo server: type a line, end with Ctrl-D. Ctrl-C here ends the gate.',
      'Decisions:',
      '',
    ].join('\n'),
  );
}

/** The example's own, unless one that still runs has it. */
function freeFolder(): string {
  for (let at = 1; ; at++) {
    const folder = at === 1 ? FOLDER : `${FOLDER}-${at}`;
    if (!isOwned(folder)) return folder;
  }
}

function isOwned(folder: string): boolean {
  const file = path.join(folder, OWNER);
  if (!existsSync(file)) return false;
  try {
    return process.kill(Number(readFileSync(file, 'utf8')), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
