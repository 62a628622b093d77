/** `skewgate serve`: the gate. Without a config file, the embedded default: three simulated servers to try it on. */
import path from 'node:path';
import type { Command } from 'commander';
import { loadServable, parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { plural } from '../../config/units.ts';
import type { DecisionLog } from '../../decision/record.ts';
import { buildGate, type GateDependencies } from '../../gateway/build.ts';
import { realClock } from '../../runtime/clock.ts';
import { descriptorLimit, descriptorsFor, watchDescriptors } from '../../runtime/descriptors.ts';
import { realRuntime } from '../../runtime/real.ts';
import { DEMO_PORTS, type Demo, startDemo } from '../demo.ts';
import { printable } from '../printable.ts';
import { standardOutput } from '../stdout.ts';
import { untilStopped } from '../stop.ts';

/** ms that the log gets to take its last records. */
const LOG_MS = 2_000;
/** ms that clients get, once the gate has stopped, to take what was sent to them. */
const FLUSH_MS = 2_000;
/** By default SIGHUP ends a process without a record; many programs read their config again instead. */
const SIGHUP_IGNORED = 'SIGHUP is ignored: the config is not read again; restart the gate for that';

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
  const config = await loadServable(file, folder);
  leave(
    await run(config, path.resolve(folder), standardOutput(say), (addresses) => {
      say(`cluster ${config.cluster}, listening on ${addresses.join(', ')}`);
      sayIfShort(config.limits);
    }),
  );
}

/** Out of descriptors, a gate neither accepts clients nor reaches servers. */
function sayIfShort(limits: Config['limits']): void {
  const needed = descriptorsFor(limits);
  const allowed = descriptorLimit();
  if (allowed !== null && allowed < needed)
    say(
      `limits: ${limits.handshakes} handshakes and ${limits.sessions} sessions need ${needed} descriptors, and this process may open ${allowed}: raise that (ulimit -n), or lower limits.sessions`,
    );
}

function sayDescriptors(isLeft: boolean): void {
  say(
    isLeft
      ? 'file descriptors are left again'
      : 'no file descriptor is left: new clients are cut off without a record, and no server can be dialled; raise the limit (ulimit -n), or lower limits.sessions',
  );
}

async function demo(): Promise<void> {
  const example = await startDemo();
  let flush = 0;
  try {
    flush = await runDemo(example);
  } finally {
    await example.close();
  }
  leave(flush);
}

/** On the ports that the documents name, or on others where those are taken, also by one that starts just now. */
async function runDemo({ config, log, introduce }: Demo): Promise<number> {
  const [named, free] = DEMO_PORTS.map((ports) => parseConfig(config(ports))) as [Config, Config];
  try {
    return await run(named, process.cwd(), log, introduce);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return run(free, process.cwd(), log, introduce);
  }
}

/** A client that does not read does not keep the process. */
function leave(flush: number): void {
  setTimeout(() => process.exit(), flush).unref();
}

/** Runs the gate to its end. Returns the ms that its clients get after it. */
async function run(
  config: Config,
  folder: string,
  stdout: NonNullable<GateDependencies['stdout']>,
  started: (addresses: readonly string[]) => void,
): Promise<number> {
  const { gate, log } = buildGate(config, {
    ...realRuntime,
    folder,
    stdout,
    say,
  });
  let flush = FLUSH_MS;
  const onHangUp = () => {
    say(SIGHUP_IGNORED);
    gate.noteIgnoredSignal(SIGHUP_IGNORED);
  };
  process.on('SIGHUP', onHangUp);
  const descriptors = watchDescriptors(realClock, sayDescriptors);
  try {
    await untilStopped(async ({ asked, force }) => {
      // A server or ledger that hangs makes nobody wait who wants it to end before it is up.
      const isUp = await Promise.race([gate.start().then(() => true), asked.then(() => false)]);
      if (isUp) started(gate.status().addresses);
      await asked;
      const { sessions, handshakes } = gate.status();
      if (sessions + handshakes > 0)
        say(
          `waiting up to ${config.timeouts.drain / 1_000} s for ${plural(sessions + handshakes, 'client')} to leave; Ctrl-C again to end at once`,
        );
      await gate.stop(config.timeouts.drain, force);
      if (force.aborted) flush = 0;
    });
    await closeLog(log);
  } finally {
    descriptors.cancel();
    process.off('SIGHUP', onHangUp);
  }
  return flush;
}

/** A disk or reader that takes nothing does not keep the gate from ending. */
async function closeLog(log: DecisionLog): Promise<void> {
  const late = realClock.after(LOG_MS, () => {
    say(`decision log: it did not take its last records within ${LOG_MS / 1_000} s; they are lost`);
    process.exit(1);
  });
  await log.close();
  late.cancel();
}

/** What servers and hooks said may be part of it. */
function say(line: string): void {
  console.error(`skewgate: ${printable(line)}`);
}
