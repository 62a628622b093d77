/** A PostgreSQL and a Redis of a test's own, as a system has them; both end with the test. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../clients/support.ts';
import { tempFolder } from './folder.ts';
import { type Program, startProgram } from './program.ts';

const BIN = globSync('/usr/lib/postgresql/*/bin').sort().at(-1) ?? '/nowhere';

/** Whether a PostgreSQL server is installed. */
export const hasPostgres = existsSync(path.join(BIN, 'initdb'));

/** Starts a cluster of its own, as a user who may. */
export async function startPostgres(
  more: Readonly<Record<string, string>> = {},
): Promise<{ program: Program; port: string }> {
  const folder = tempFolder();
  // PostgreSQL refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid as number);
  const data = path.join(folder, 'data');
  const options = { ...owner, env: { LC_ALL: 'C' }, cwd: folder };
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const created = startProgram(path.join(BIN, 'initdb'), init, options);
  expect(await created.exited, created.stderr).toBe(0);
  const port = String(await freePort());
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    log_connections: 'on',
    ...more,
  };
  const program = startProgram(
    path.join(BIN, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    options,
  );
  onTestFinished(async () => {
    program.signal('SIGINT');
    await program.exited;
  });
  await program.waitFor(/ready to accept connections/, 'stderr');
  return { program, port };
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}

/** Starts one that keeps nothing. Returns its port. */
export async function startRedis(): Promise<string> {
  const port = String(await freePort());
  const options = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    tempFolder(),
  ];
  await startProgram('redis-server', options).waitFor(/Ready to accept connections/);
  return port;
}
