/** MySQL clients through a listener that speaks MySQL: admitted ones notice nothing, refused ones show why. */
import { existsSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { describe, expect, onTestFinished, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { type FleetOptions, startFleet } from '../support/gate.ts';
import { type Mariadb, startMariadb } from '../support/mariadb.ts';
import { freePort, installed, run } from './support.ts';

const HERE = installed('mariadbd', 'mariadb-install-db', 'mariadb');
/** As Debian's libmariadb-java has it. */
const DRIVER = '/usr/share/java/mariadb-java-client.jar';
const HAS_JAVA = installed('java', 'javac') && existsSync(DRIVER);
const QUERY = `
import java.sql.*;
public class Query {
  public static void main(String[] args) {
    try (Connection connection = DriverManager.getConnection(args[0]);
        ResultSet rows = connection.createStatement().executeQuery("select 42")) {
      rows.next();
      System.out.println(rows.getInt(1));
    } catch (SQLException e) {
      System.out.println(e.getClass().getSimpleName() + " " + e.getErrorCode() + " " + e.getSQLState() + " " + e.getMessage());
    }
  }
}
`;
const SENTENCE = 'Client 4.16.0 is newer than real (4.14.0): upgrade every server to 4.16 before any client.';
const REFUSED = `${SENTENCE} (SERVER_OUTDATED, rule M1; retry: after-change)`;

async function gateBefore(port: string, more: FleetOptions = {}) {
  const fleet = await startFleet(realEnvironment, {
    listen: [
      {
        tcp: '127.0.0.1:0',
        speaks: 'mysql',
        claim: [
          { attribute: 'skewgate.version' },
          { program_name: String.raw`^shop/(\d+\.\d+\.\d+)` },
          { database: String.raw`^shop_(\d+\.\d+\.\d+)` },
        ],
        otherwise: '4.16.0',
      },
    ],
    others: [{ id: 'real', address: `tcp://127.0.0.1:${port}`, speaks: 'mysql', version: '4.14.0' }],
    timeouts: { probe: '10m', fresh: '10m' },
    ...more,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { fleet, port: Number(fleet.address().split(':').at(-1)) };
}

const asApp = (port: number) => ['--no-defaults', '-h127.0.0.1', `-P${port}`, '-uapp', '-psecret'];

/** Connections on which somebody was let in, this question's own included. */
async function loginsOf(mariadb: Mariadb): Promise<number> {
  const user =
    "SELECT COALESCE(SUM(total_connections), 0) FROM information_schema.user_statistics WHERE user = 'app'";
  return Number(await mariadb.sql(user));
}

describe.skipIf(!HERE)('the mariadb command', () => {
  test('prints the sentence of its refusal, and is let in by no server', async () => {
    const mariadb = await startMariadb('--userstat=1');
    const { fleet, port } = await gateBefore(mariadb.port);
    const { status, stderr } = await run('mariadb', [...asApp(port), '-e', 'select 1']);
    expect(status).toBe(1);
    expect(stderr).toContain(`ERROR 1105 (08004)`);
    expect(stderr).toContain(REFUSED);
    expect(await loginsOf(mariadb)).toBe(0);
    expect(fleet.log.handshakes).toMatchObject([
      { protocol: 'mysql', code: 'SERVER_OUTDATED', claim: { value: '4.16.0', source: 'otherwise' } },
    ]);
  });

  test('that claims a release with its database name works as if there were no gate, and is the only one who knows its thread', async () => {
    const mariadb = await startMariadb();
    await mariadb.sql("CREATE DATABASE `shop_4.13.2`; GRANT ALL ON `shop_4.13.2`.* TO app@'%'");
    const { fleet, port } = await gateBefore(mariadb.port);
    const statement =
      'create table t (a longtext); insert into t values (repeat("x", 300000)); select length(a) from t';
    const { status, stdout, stderr } = await run('mariadb', [
      ...asApp(port),
      '-N',
      '-e',
      statement,
      'shop_4.13.2',
    ]);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '300000\n', stderr: '' });
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', claim: { source: 'database' } },
    ]);
  });
});

describe.skipIf(!HERE)('mysql2', () => {
  const connect = (port: number, version: string) =>
    createConnection({
      ...{ host: '127.0.0.1', port, user: 'app', password: 'secret', database: 'shop' },
      connectAttributes: { 'skewgate.version': version },
    });

  test('inside the window works, and has the number of its real thread', async () => {
    const mariadb = await startMariadb();
    const { fleet, port } = await gateBefore(mariadb.port);
    const connection = await connect(port, '4.13.2');
    onTestFinished(() => connection.end());
    const [rows] = await connection.query('select connection_id() as id, database() as db');
    expect(rows).toEqual([{ id: connection.threadId, db: 'shop' }]);
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', claim: { source: 'attribute skewgate.version' } },
    ]);
  });

  test('that is refused gets sentence, number and state', async () => {
    const mariadb = await startMariadb();
    const { port } = await gateBefore(mariadb.port);
    await expect(connect(port, '4.16.0')).rejects.toMatchObject({
      errno: 1105,
      sqlState: '08004',
      message: REFUSED,
    });
  });

  test('that is held is led into the authentication of another connection, and proves its password there', async () => {
    const mariadb = await startMariadb();
    const { fleet, port } = await gateBefore(mariadb.port);
    await fleet.gate.operations.pause({ by: 'ann', reason: 'a test' });
    const [right, wrong] = [
      connect(port, '4.13.2'),
      createConnection({
        host: '127.0.0.1',
        port,
        user: 'app',
        password: 'wrong',
        connectAttributes: { 'skewgate.version': '4.13.2' },
      }),
    ];
    wrong.catch(() => {});
    await expect.poll(() => fleet.gate.status().held).toBe(2);
    await fleet.gate.operations.resume({ by: 'ann', reason: 'a test' });
    const connection = await right;
    onTestFinished(() => connection.end());
    const [rows] = await connection.query('select database() as db');
    expect(rows).toEqual([{ db: 'shop' }]);
    await expect(wrong).rejects.toMatchObject({ errno: 1045 });
    expect(fleet.log.handshakes.map(({ waitedFor }) => waitedFor)).toEqual(['PAUSED', 'PAUSED']);
  });
});

describe.skipIf(!HERE || !HAS_JAVA)('MariaDB Connector/J', () => {
  /** What the driver says of one connection and one query: what it gives, or class, number, state and text of the error. */
  const jdbc = async (port: number, version: string) => {
    const file = path.join(tempFolder(), 'Query.java');
    writeFileSync(file, QUERY);
    const url = `jdbc:mariadb://127.0.0.1:${port}/shop?user=app&password=secret&connectionAttributes=skewgate.version:${version}`;
    const { stdout, stderr } = await run('java', ['-cp', DRIVER, file, url]);
    return stdout + stderr;
  };

  test('inside the window works', async () => {
    const mariadb = await startMariadb();
    const { fleet, port } = await gateBefore(mariadb.port);
    expect(await jdbc(port, '4.13.2')).toBe('42\n');
    expect(fleet.log.handshakes).toMatchObject([
      { code: 'PERMITTED', client: '4.13.2', claim: { source: 'attribute skewgate.version' } },
    ]);
  });

  test('that is refused gets the sentence as an error that says: do not try again', async () => {
    const mariadb = await startMariadb();
    const { fleet, port } = await gateBefore(mariadb.port);
    const said = await jdbc(port, '4.16.0');
    expect(said).toMatch(/^SQLNonTransientConnectionException 1105 08004 /);
    expect(said).toContain(REFUSED);
    expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
  });
});

test.skipIf(!HERE)(
  'however many are refused, probed or leave, the server blocks the gate for none of them',
  async () => {
    const mariadb = await startMariadb('--max-connect-errors=3', '--performance-schema=ON');
    const relay = await relayFrom('127.0.0.2', Number(mariadb.port));
    const { fleet, port } = await gateBefore(relay);
    for (let turn = 0; turn < 5; turn++) {
      await run('mariadb', [...asApp(port), '-e', 'select 1']);
      await fleet.cluster.refresh(0);
      await helloOf(port);
    }
    await expect.poll(() => fleet.gate.status().handshakes).toBe(0);
    const errors = 'SELECT sum_connect_errors FROM performance_schema.host_cache';
    await expect.poll(() => mariadb.sql(errors)).toBe('0\n');
    expect(fleet.cluster.servers).toMatchObject([{ state: 'up' }]);
  },
);

/** MariaDB holds nothing against 127.0.0.1: a port from which it is reached under another address. */
async function relayFrom(localAddress: string, port: number): Promise<string> {
  const relay = net.createServer((client) => {
    const server = net.connect({ host: '127.0.0.1', port, localAddress });
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
  });
  const at = await freePort();
  await new Promise<void>((resolve) => relay.listen(at, '127.0.0.1', resolve));
  onTestFinished(() => void relay.close());
  return String(at);
}

/** Comes, is greeted, and goes. */
function helloOf(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('data', () => socket.end());
    socket.once('close', () => resolve());
  });
}
