/** A PostgreSQL of this run alone, and a PgBouncer in front of one. */
import { execFileSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from '../lab.ts';
import { freePort, untilListening } from './ports.ts';
import { type Program, type ProgramOptions, Program as Programs } from './process.ts';
import { findProgram } from './programs.ts';

/** Starts PostgreSQL; resolves to its port. User and database are both `postgres`. */
export async function startPostgres(lab: Lab): Promise<number> {
  const { folder, options } = ownFolder(lab, 'postgres');
  const data = path.join(folder, 'data');
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await using created = await Programs.start([findProgram('initdb') as string, ...init], options);
  await created.output();
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 200,
  };
  const program = await lab.start(
    [
      findProgram('postgres') as string,
      '-D',
      data,
      ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    // At once, whoever is still connected.
    { ...options, stop: 'SIGINT' },
  );
  await program.line('stderr', /ready to accept connections/);
  return port;
}

/** Starts PgBouncer in front of a PostgreSQL. */
export async function startPgBouncer(lab: Lab, server: number): Promise<{ program: Program; port: number }> {
  const { folder, options } = ownFolder(lab, 'pgbouncer');
  const port = await freePort();
  const file = path.join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    [
      '[databases]',
      `postgres = host=127.0.0.1 port=${server} user=postgres`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = session',
      'ignore_startup_parameters = extra_float_digits',
      '',
    ].join('\n'),
  );
  const program = await lab.start([findProgram('pgbouncer') as string, '-q', file], options);
  await untilListening(port, program);
  return { program, port };
}

/** Neither runs as root: they get a user and a folder of theirs. */
function ownFolder(lab: Lab, name: string): { folder: string; options: ProgramOptions } {
  const folder = lab.newFolder(name);
  const options = { cwd: folder, env: { LC_ALL: 'C' } };
  if (process.getuid?.() !== 0) return { folder, options };
  const [uid, gid] = ['-u', '-g'].map((which) =>
    Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' })),
  ) as [number, number];
  chownSync(folder, uid, gid);
  return { folder, options: { ...options, uid, gid } };
}
