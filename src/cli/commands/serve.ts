/** `skewgate serve`: the gate. Without a config file, the embedded default: three simulated servers to try it on. */
import path from 'node:path';
import type { Command } from 'commander';
import { parseConfig, parseServable, readText } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { plural } from '../../config/units.ts';
import type { GateDependencies } from '../../gateway/build.ts';
import type { Gate } from '../../gateway/gate.ts';
import type { Demo, DemoPorts } from '../demo.ts';
import { printable } from '../printable.ts';
import type { GateRun } from '../run-gate.ts';
import { sayIfLost, sayIfShort } from '../short-limit.ts';
import { onSignals, reloadBySignal, reopenLog } from '../signals.ts';
import { standardOutput } from '../stdout.ts';
import { leave, untilStopped } from '../stop.ts';
import { forgetSystemd, givenBySystemd, Notifier } from '../systemd.ts';
import { UsageError } from '../usage.ts';

const NO_CONFIG = 'SIGHUP is ignored: the example has no config file to read again';

/** Defines `serve`. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description(
      'Run the gate or, without a config file, an example with three simulated servers. Ctrl-C drains it; a second Ctrl-C stops it at once.',
    )
    .argument('[file]', 'the config file')
    .option(
      '--folder <folder>',
      'folder that relative paths in the file are resolved against (default: its own)',
    )
    .action((file: string | undefined, { folder }: { folder?: string }) =>
      file === undefined ? demo() : serve(file, folder ?? path.dirname(file)),
    );
}

async function serve(file: string, folder: string): Promise<void> {
  const read = async () => parseServable(await readText(file), file, folder);
  const config = await read();
  const given = givenBySystemd(process.env, process.pid);
  forgetSystemd(process.env);
  checkSockets(given.sockets, config);
  const systemd = new Notifier(given, say);
  const started = (addresses: readonly string[], admin: string | null) => {
    say(`cluster ${config.cluster}, listening on ${addresses.join(', ')}`);
    if (admin !== null) say(`admin on ${admin}`);
    sayIfShort(config.limits, say);
    void sayIfLost(config, say);
    systemd.ready(`listening on ${addresses.join(', ')}`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => systemd.stopping());
  };
  const where = path.resolve(folder);
  if (config.workers === 1) {
    const { sockets } = given;
    return leave(await run(config, where, standardOutput(say), started, { read, systemd, sockets }));
  }
  const { supervise } = await import('../supervise.ts');
  await supervise({
    start: { file, config, folder: where },
    read,
    systemd,
    started: (addresses) => started(addresses, null),
    say,
  });
}

async function demo(): Promise<void> {
  const { DEMO_PORTS, startDemo } = await import('../demo.ts');
  const example = await startDemo();
  let flush = 0;
  try {
    flush = await runDemo(example, DEMO_PORTS);
  } finally {
    await example.close();
  }
  leave(flush);
}

/** On the ports that the documents name, or on others where those are taken, also by one that starts just now. */
async function runDemo({ config, log, introduce }: Demo, choices: readonly DemoPorts[]): Promise<number> {
  const [named, free] = choices.map((ports) => parseConfig(config(ports))) as [Config, Config];
  try {
    return await run(named, process.cwd(), log, introduce);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return run(free, process.cwd(), log, introduce);
  }
}

/** What the process has beside its config. */
interface FromOutside {
  /** Reads the config again. */
  readonly read: NonNullable<GateRun['read']>;
  readonly systemd: Notifier;
  readonly sockets: readonly number[];
}

/** @throws {UsageError} if the sockets are not those of the config */
function checkSockets(sockets: readonly number[], { listen, workers }: Config): void {
  if (sockets.length === 0) return;
  if (workers > 1) throw new UsageError('sockets that systemd hands over are for a gate with workers: 1');
  if (sockets.length !== listen.length)
    throw new UsageError(
      `systemd hands over ${plural(sockets.length, 'socket')}, and the config has ${plural(listen.length, 'listener')}: they go by their order`,
    );
}

/** The gate in this process. Returns the ms that its clients get after it. */
async function run(
  config: Config,
  folder: string,
  stdout: NonNullable<GateDependencies['stdout']>,
  started: GateRun['started'],
  { read, systemd, sockets = [] }: Partial<FromOutside> = {},
): Promise<number> {
  // A process that supervises workers has no gate of its own.
  const { runGate } = await import('../run-gate.ts');
  let signals: ReturnType<typeof onSignals> | null = null;
  try {
    return await runGate({
      config,
      around: { folder, stdout, say, ...(sockets.length > 0 && { sockets }) },
      ...(read && { read }),
      made({ gate, log }, reload) {
        signals = onSignals({
          hangUp: () => (reload === null ? ignoreHangUp(gate) : reloadBySignal(reload, systemd)),
          reopenLog: () => reopenLog(log, say),
        });
      },
      started,
      untilStopped,
      hurry: 'Ctrl-C again to end at once',
    });
  } finally {
    (signals as ReturnType<typeof onSignals> | null)?.stop();
  }
}

function ignoreHangUp(gate: Gate): void {
  say(NO_CONFIG);
  gate.noteIgnoredSignal(NO_CONFIG);
}

/** What servers and hooks said may be part of it. */
function say(line: string): void {
  console.error(`skewgate: ${printable(line)}`);
}
