/** An unmodified psql through the gate to an unmodified PostgreSQL, in a cluster of its own. */
import { on, once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { hasPostgres, startPostgres } from '../support/databases.ts';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { gateAssuming, installed, run } from './support.ts';

if (!hasPostgres)
  console.log('skipped: no PostgreSQL server is installed here (no /usr/lib/postgresql/*/bin/initdb)');
const HERE = installed('psql') && hasPostgres;

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
