/** `skewgate serve`: the gate. Without a config file, the embedded default: three simulated servers to try it on. */
import path from 'node:path';
import type { Command } from 'commander';
import { parseConfig, parseServable, readText } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { GateDependencies } from '../../gateway/build.ts';
import type { Gate } from '../../gateway/gate.ts';
import type { Demo, DemoPorts } from '../demo.ts';
import { printable } from '../printable.ts';
import type { GateRun } from '../run-gate.ts';
import { sayIfLost, sayIfShort } from '../short-limit.ts';
import { onSignals, reloadBySignal, reopenLog } from '../signals.ts';
import { standardOutput } from '../stdout.ts';
import { leave, untilStopped } from '../stop.ts';

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
  const started = (addresses: readonly string[], admin: string | null) => {
    say(`cluster ${config.cluster}, listening on ${addresses.join(', ')}`);
    if (admin !== null) say(`admin on ${admin}`);
    sayIfShort(config.limits, say);
    void sayIfLost(config, say);
  };
  const where = path.resolve(folder);
  if (config.workers === 1) return leave(await run(config, where, standardOutput(say), started, read));
  const { supervise } = await import('../supervise.ts');
  await supervise({
    start: { file, config, folder: where },
    read,
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

/** The gate in this process. Returns the ms that its clients get after it. */
async function run(
  config: Config,
  folder: string,
  stdout: NonNullable<GateDependencies['stdout']>,
  started: GateRun['started'],
  read?: NonNullable<GateRun['read']>,
): Promise<number> {
  // A process that supervises workers has no gate of its own.
  const { runGate } = await import('../run-gate.ts');
  let signals: ReturnType<typeof onSignals> | null = null;
  try {
    return await runGate({
      config,
      around: { folder, stdout, say },
      ...(read && { read }),
      made({ gate, log }, reload) {
        signals = onSignals({
          hangUp: () => (reload === null ? ignoreHangUp(gate) : reloadBySignal(reload)),
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
