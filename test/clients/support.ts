/** Programs that know nothing of the gate, and a gate that takes them for clients of stated versions. */
import { execFile, execFileSync } from 'node:child_process';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';

/** Whether all of these are installed; prints which is not, so that a skipped test has a reason. */
export function installed(...programs: string[]): boolean {
  const missing = programs.filter((program) => {
    try {
      execFileSync('sh', ['-c', `command -v "$0"`, program], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0) console.log(`skipped: ${missing.join(', ')} is not installed here`);
  return missing.length === 0;
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One listener for each version; the servers are asked once, at the start, and not again. */
export async function gateAssuming(
  versions: readonly string[],
  server: Omit<NonNullable<FleetOptions['others']>[number], 'id'>,
): Promise<{ readonly fleet: Fleet; readonly ports: readonly string[] }> {
  const fleet = await startFleet(realEnvironment, {
    listen: versions.map((assume) => ({ tcp: '127.0.0.1:0', assume })),
    others: [{ id: 'real', ...server }],
    migration: { ledger: 'memory:' },
    timeouts: { probe: '10m', fresh: '10m', dial: '10s' },
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { fleet, ports: versions.map((_, at) => fleet.address(at).split(':').at(-1) as string) };
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; by force after 15 s. */
export function run(program: string, args: readonly string[], input?: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        timeout: 15_000,
        killSignal: 'SIGKILL',
        maxBuffer: 8 * 1_048_576,
        env: { ...process.env, LC_ALL: 'C' },
      },
      (error, stdout, stderr) => {
        if (typeof error?.code === 'string') reject(error);
        else resolve({ status: error === null ? 0 : (error.code ?? null), stdout, stderr });
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
