/** An unmodified psql through the gate to an unmodified PostgreSQL, in a cluster of its own. */
import { execFileSync } from 'node:child_process';
import { on, once } from 'node:events';
import { chownSync, existsSync, globSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { startFleet } from '../support/gate.ts';
import { type Program, startProgram } from '../support/program.ts';
import { freePort, gateAssuming, installed, run } from './support.ts';

const BIN = globSync('/usr/lib/postgresql/*/bin').sort().at(-1) ?? '/nowhere';
const SERVER_HERE = existsSync(path.join(BIN, 'initdb'));
if (!SERVER_HERE)
  console.log('skipped: no PostgreSQL server is installed here (no /usr/lib/postgresql/*/bin/initdb)');
const HERE = installed('psql') && SERVER_HERE;

async function startPostgres(): Promise<{ program: Program; port: string }> {
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

const psql = (port: string, query: string, name = 'psql') =>
  run('psql', [
    '-X',
    '-At',
    '-c',
    query,
    `host=127.0.0.1 port=${port} user=postgres dbname=postgres application_name=${name}`,
  ]);

test.skipIf(!HERE)(
  '[M1] [M2] psql works at a port whose assumed version is admitted; at another it gets a closed connection, and the server sees none',
  { timeout: 60_000 },
  async () => {
    const { program, port } = await startPostgres();
    const { fleet, ports } = await gateAssuming(['4.13.1', '4.15.0'], {
      address: `tcp://127.0.0.1:${port}`,
      version: '4.14.0',
    });
    const [admitted, refused] = ports as [string, string];

    expect(await psql(admitted, 'select 6 * 7')).toEqual({ status: 0, stdout: '42\n', stderr: '' });
    const { stdout } = await psql(admitted, "select repeat('0123456789', 100000)");
    expect(stdout).toBe(`${'0123456789'.repeat(100_000)}\n`);

    await psql(port, 'select 1', 'before');
    await program.waitFor(/application_name=before/, 'stderr');
    const { status, stderr } = await psql(refused, 'create table written (by int)');
    expect(status).toBe(2);
    expect(stderr).toMatch(/server closed the connection unexpectedly|reset by peer/);
    expect(
      (await psql(port, "select count(*) from pg_tables where tablename = 'written'", 'after')).stdout,
    ).toBe('0\n');
    await program.waitFor(/application_name=after/, 'stderr');
    const seen = program.stderr.slice(program.stderr.indexOf('application_name=before'));
    // Of the query that looked, and no other.
    expect(seen.match(/connection received/g)).toHaveLength(1);

    expect(fleet.log.handshakes.map(({ code, ...record }) => [code, record.client])).toEqual([
      ['PERMITTED', '4.13.1'],
      ['PERMITTED', '4.13.1'],
      ['SERVER_OUTDATED', '4.15.0'],
    ]);
  },
);

test.skipIf(!HERE)(
  'a server that is never asked has nothing in its log but its clients: no connection, no error',
  { timeout: 60_000 },
  async () => {
    const { program, port } = await startPostgres();
    const timeouts = { probe: '50ms' };
    await using quiet = await startFleet(realEnvironment, {
      timeouts,
      listen: [{ tcp: '127.0.0.1:0', assume: '4.14.0' }],
      others: [{ id: 'db', address: `tcp://127.0.0.1:${port}`, version: '4.14.0', probe: 'none' }],
    });
    // Another gate, which asks at the same interval, says when the quiet one would have.
    const asked = net.createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void asked.close());
    const rounds = on(asked, 'connection', { signal: AbortSignal.timeout(15_000) });
    await once(asked, 'listening');
    const address = `tcp://127.0.0.1:${(asked.address() as net.AddressInfo).port}`;
    await using _asking = await startFleet(realEnvironment, {
      timeouts,
      others: [{ id: 'other', address, version: '4.14.0', probe: 'connect' }],
    });
    for (let round = 0; round < 10; round++) await rounds.next();
    await psql(port, 'select 1', 'settled');
    await program.waitFor(/application_name=settled/, 'stderr');
    const received = () => program.stderr.match(/connection received/g)?.length;
    expect(received()).toBe(1);

    const { stdout } = await psql(quiet.address().split(':').at(-1) as string, 'select 6 * 7', 'through');
    expect(stdout).toBe('42\n');
    await program.waitFor(/application_name=through/, 'stderr');
    expect(received()).toBe(2);
    expect(program.stderr).not.toMatch(/ERROR|FATAL|incomplete startup packet/);
  },
);
