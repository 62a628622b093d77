/** A MariaDB of a test's own, as a system has it; it ends with the test. */
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort, run } from '../clients/support.ts';
import { tempFolder } from './folder.ts';
import { startProgram } from './program.ts';

export interface Mariadb {
  readonly port: string;
  /** Runs a statement as its administrator, past any gate; returns what it gives, without headings. */
  sql(statement: string): Promise<string>;
}

/** Starts one that has a database `shop`, and a user `app` whose password is `secret`. @param more options of the server */
export async function startMariadb(...more: string[]): Promise<Mariadb> {
  const folder = tempFolder();
  // MariaDB refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid as number);
  const data = path.join(folder, 'data');
  const options = { ...owner, env: { LC_ALL: 'C' }, cwd: folder };
  const install = [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ];
  const created = startProgram('mariadb-install-db', install, options);
  if ((await created.exited) !== 0) throw new Error(created.stderr);
  const port = String(await freePort());
  const socket = path.join(folder, 's.sock');
  const program = startProgram(
    '/usr/sbin/mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${socket}`,
      '--innodb-flush-log-at-trx-commit=0',
      ...more,
    ],
    options,
  );
  onTestFinished(async () => {
    program.signal('SIGTERM');
    await program.exited;
  });
  await program.waitFor(/ready for connections/, 'stderr');
  const sql = async (statement: string) => {
    const { status, stdout, stderr } = await run('mariadb', [
      '--no-defaults',
      '-S',
      socket,
      '-uroot',
      '-N',
      '-e',
      statement,
    ]);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  await sql(
    "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'secret'; GRANT ALL ON shop.* TO app@'%'",
  );
  return { port, sql };
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'mysql'], { encoding: 'utf8' }));
}
