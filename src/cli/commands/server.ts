/** `skewgate server`: a simulated server. */
import { type Command, Option } from 'commander';
import { parseRange } from '../../client/url.ts';
import { realRuntime } from '../../runtime/real.ts';
import { startServer } from '../../server/server.ts';
import { openTables, type Tables } from '../../server/tables.ts';
import { parseHostPort, splitAddress } from '../../transport/address.ts';
import { levelOf } from '../../version/catalogue.ts';
import { PHOENIX_CATALOGUE } from '../../version/phoenix.ts';
import { parseVersion, printVersion } from '../../version/version.ts';
import { untilStopped } from '../stop.ts';
import { durationOption, UsageError } from '../usage.ts';

interface Options {
  readonly version: string;
  readonly listen: string;
  readonly id?: string;
  readonly tables?: string;
  readonly tablesRelease?: string;
  readonly upgradeTime: number;
  readonly grace: number;
  readonly protocol?: string;
}

/** Defines `server`. */
export function addServer(program: Command): void {
  program
    .command('server')
    .description(
      'Run a simulated server, which speaks the handshake and then echoes. Ctrl-C drains it: it announces that it is leaving and waits for its sessions; a second Ctrl-C stops it at once.',
    )
    .requiredOption('--version <version>', 'version that it reports')
    .option(
      '--listen <address>',
      'address to listen on: HOST:PORT, tcp://HOST:PORT or ws://HOST:PORT',
      '127.0.0.1:0',
    )
    .option('--id <name>', 'name that it reports (default: its address)')
    .option('--tables <file>', 'SQLite file with the system tables, shared by the servers of a cluster')
    .option('--tables-release <version>', 'release that a new file of tables starts at (default: --version)')
    .addOption(
      new Option('--upgrade-time <duration>', 'how long an upgrade of the tables takes')
        .argParser(durationOption)
        .default(2_000, '2s'),
    )
    .addOption(
      new Option('--grace <duration>', 'how long sessions get to end while it drains')
        .argParser(durationOption)
        .default(10_000, '10s'),
    )
    .option('--protocol <range>', 'protocol versions that it speaks, MIN..MAX, for the preset "ranges"')
    .action(server);
}

async function server(options: Options): Promise<void> {
  const version = parseVersion(options.version);
  if (options.tablesRelease !== undefined && options.tables === undefined)
    throw new UsageError('--tables-release says how a new file begins: it needs --tables FILE');
  const level = levelOf(
    PHOENIX_CATALOGUE,
    options.tablesRelease === undefined ? version : parseVersion(options.tablesRelease),
  );
  const listen = listenAddress(options.listen);
  const tables = options.tables === undefined ? undefined : tablesIn(options.tables, level);
  await untilStopped(async ({ asked, force }) => {
    const running = await startServer({
      ...(options.id !== undefined && { id: options.id }),
      version,
      listen,
      transports: realRuntime.transports,
      clock: realRuntime.clock,
      upgradeMs: options.upgradeTime,
      ...(tables && { tables }),
      ...(options.protocol !== undefined && { protocol: parseRange(options.protocol) }),
    });
    console.log(
      `server ${options.id ?? running.address} ${printVersion(version)} on ${running.address}${tables ? `, system tables at level ${tables.level}` : ''}`,
    );
    await asked;
    running.leave();
    await running.idle(options.grace, force);
    await running.close();
  });
  tables?.close();
}

function listenAddress(text: string): string {
  const [scheme, rest] = text.includes('://') ? splitAddress(text) : ['tcp', text];
  try {
    if (scheme !== 'tcp' && scheme !== 'ws') throw new Error(`no scheme ${scheme}://`);
    parseHostPort(rest);
  } catch {
    throw new UsageError(`--listen ${text}: HOST:PORT, tcp://HOST:PORT or ws://HOST:PORT`);
  }
  return `${scheme}://${rest}`;
}

function tablesIn(file: string, level: number): Tables {
  try {
    return openTables(file, level);
  } catch (error) {
    throw new UsageError(`--tables ${file}: ${(error as Error).message}`);
  }
}
