/** `skewgate connect`: the test client. */
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';
import { startCli } from '../support/program.ts';

async function fleetOf(options: FleetOptions = {}): Promise<Fleet> {
  const fleet = await startFleet(realEnvironment, {
    migration: { ledger: 'memory:' },
    servers: [{ version: '4.14.1' }],
    ...options,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return fleet;
}

const objectsIn = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('it pipes standard input and output once admitted, like nc, and ends when the input does', async () => {
  const fleet = await fleetOf();
  const big = 'a line of text\n'.repeat(40_000);
  const { status, stdout, stderr } = await runCli(['connect', fleet.url('4.13.2')], { input: big });
  expect(status).toBe(0);
  expect(stdout).toBe(big);
  expect(stderr).toMatch(/^admitted as 4\.13\.2 by server s1 \(4\.14\.1\), session \w+\nsession ended\n$/);
});

test('with an input that is closed already it is admitted and ends', async () => {
  const fleet = await fleetOf();
  expect(await runCli(['connect', `jdbc:${fleet.url('4.14.0')}`])).toMatchObject({ status: 0, stdout: '' });
  expect(fleet.server(0).clients).toEqual(['4.14.0']);
});

test('what the client types arrives at once, the answer too; Ctrl-C ends the session', async () => {
  const fleet = await fleetOf();
  const client = startCli(['connect', fleet.url('4.14.0')]);
  await client.waitFor(/admitted/);
  client.write('one\n');
  await client.waitFor(/one/, 'stdout');
  client.signal('SIGINT');
  expect(await client.exited).toBe(0);
  await fleet.idle();
});

test('a server that ends the session ends the client', async () => {
  const fleet = await fleetOf({
    servers: [
      {
        version: '4.14.0',
        serve: (connection) => {
          connection.send(Buffer.from('bye\n'));
          connection.end();
          return { data() {}, end() {}, drain() {} };
        },
      },
    ],
  });
  const client = startCli(['connect', fleet.url('4.14.0')]);
  expect(await client.exited).toBe(0);
  expect(client.stdout).toBe('bye\n');
});

test('[M1] a refusal says who must move, to what, and whether to retry; status 1; the server saw nothing', async () => {
  const fleet = await fleetOf();
  const { status, stdout, stderr } = await runCli(['connect', fleet.url('4.15.0')], { input: 'secret' });
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^refused SERVER_OUTDATED \(rule M1\)\n/);
  expect(stderr).toMatch(
    /Move: server to 4\.15 \(s1\)\nRetry: after-change\nPhoenix: vendor code 2007, SQLState INT09\n/,
  );
  expect(fleet.server(0).clients).toEqual([]);
  expect(fleet.server(0).received).toBe(0);
});

test('--json prints the decision of an admitted client, with its session and server', async () => {
  const fleet = await fleetOf();
  const { status, stdout, stderr } = await runCli(['connect', fleet.url('4.13.2'), '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const [object, ...more] = objectsIn(stdout);
  expect(more).toEqual([]);
  expect(object).toMatchObject({
    verdict: 'permit',
    code: 'PERMITTED',
    rule: expect.any(String),
    client: '4.13.2',
    observed: { oldest: '4.14.1', newest: '4.14.1' },
    move: null,
    message: expect.any(String),
    trace: expect.any(Array),
    session: fleet.log.handshakes[0]?.session,
    server: 's1',
    serverVersion: '4.14.1',
    waitedMs: 0,
  });
});

test('--json prints the decision of a refused client, with the fields of explain; status 1', async () => {
  const fleet = await fleetOf();
  const [connected, explained] = await Promise.all([
    runCli(['connect', fleet.url('4.15.0'), '--json']),
    runCli(['explain', '--client', '4.15.0', '--server', '4.14.1', '--json']),
  ]);
  expect([connected.status, explained.status]).toEqual([1, 1]);
  const [object] = objectsIn(connected.stdout);
  expect(Object.keys(object)).toEqual(expect.arrayContaining(Object.keys(JSON.parse(explained.stdout))));
  expect(object).toMatchObject({
    verdict: 'refuse',
    code: 'SERVER_OUTDATED',
    move: { side: 'server', to: '4.15' },
    vendorCode: 2007,
    sqlState: 'INT09',
  });
  expect(object).not.toHaveProperty('session');
});

test('--count connects so many at once and prints one object for each', async () => {
  const fleet = await fleetOf();
  const { status, stdout } = await runCli(['connect', fleet.url('4.14.0'), '--count', '20', '--json']);
  expect(status).toBe(0);
  const objects = objectsIn(stdout);
  expect(objects.map(({ code }) => code)).toEqual(Array(20).fill('PERMITTED'));
  expect(new Set(objects.map(({ session }) => session)).size).toBe(20);
});

test('of several, one refused is enough for status 1', async () => {
  const fleet = await fleetOf({ limits: { sessions: 1 } });
  const options = ['--count', '2', '--hold', '2s', '--json'];
  const { status, stdout } = await runCli(['connect', fleet.url('4.14.0'), ...options]);
  expect(status).toBe(1);
  const codes = objectsIn(stdout).map(({ code }) => code);
  expect(codes.sort()).toEqual(['PERMITTED', 'TOO_MANY_CONNECTIONS']);
});

test('--rate spaces connections out; all of them get in', async () => {
  const fleet = await fleetOf({ limits: { sessions: 10 } });
  const from = Date.now();
  const options = ['--count', '4', '--rate', '2', '--json'];
  const { status, stdout } = await runCli(['connect', fleet.url('4.14.0'), ...options]);
  expect(status).toBe(0);
  expect(objectsIn(stdout)).toHaveLength(4);
  // The fourth sets out a second and a half after the first; a slow machine only makes it later.
  const last = Date.parse(fleet.log.handshakes.at(-1)?.time as string);
  expect(last - from).toBeGreaterThanOrEqual(1_500);
});

test('--hold says at once that it is admitted, keeps the session open, and Ctrl-C ends it', async () => {
  const fleet = await fleetOf();
  const client = startCli(['connect', fleet.url('4.14.0'), '--hold', '--json']);
  await client.waitFor(/PERMITTED.*\n/, 'stdout');
  expect(fleet.gate.status().sessions).toBe(1);
  client.signal('SIGINT');
  expect(await client.exited).toBe(0);
  expect(client.lines).toHaveLength(1);
  await fleet.idle();
});

test('--hold with a time ends by itself; one whose session is ended by the other side says so and does not wait', async () => {
  const fleet = await fleetOf();
  const [timed, held] = [
    startCli(['connect', fleet.url('4.14.0'), '--hold', '100ms']),
    startCli(['connect', fleet.url('4.14.0'), '--hold', '10m']),
  ];
  expect(await timed.exited).toBe(0);
  await held.waitFor(/admitted/);
  await fleet.gate.stop(0);
  expect(await held.exited).toBe(0);
  expect(held.stderr).toMatch(/session \w+ was ended by the other side/);
});

test('a gate that is not there: a sentence with the address, status 3, as JSON where that was asked for', async () => {
  const none = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => none.once('listening', resolve));
  const { port } = none.address() as net.AddressInfo;
  await new Promise((resolve) => none.close(resolve));
  const url = `skewgate://127.0.0.1:${port}/?version=4.14.0`;
  const [text, json] = await Promise.all([runCli(['connect', url]), runCli(['connect', url, '--json'])]);
  expect([text.status, json.status]).toEqual([3, 3]);
  expect(text.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED`));
  expect(text.stderr).not.toContain('    at ');
  expect(objectsIn(json.stdout)).toEqual([
    { error: 'ConnectError', message: expect.stringContaining('ECONNREFUSED') },
  ]);
});

test('a port where something else speaks is said to be no gate; status 3', async () => {
  const other = net
    .createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    .listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as net.AddressInfo;
  const { status, stderr } = await runCli(['connect', `skewgate://127.0.0.1:${port}/?version=4.14.0`]);
  other.close();
  expect(status).toBe(3);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test.each([
  [['connect', '127.0.0.1:8700'], /is not a URL|scheme/],
  [['connect', 'http://127.0.0.1:8700/?version=4.14.0'], /the scheme is one of skewgate:\/\//],
  [['connect', 'skewgate://127.0.0.1:8700'], /states no version: add \?version=/],
  [['connect', 'skewgate://127.0.0.1:8700/?version=4.14'], /"4\.14" is not a version/],
  [['connect', `skewgate://h/?version=4.14.0&user=${'x'.repeat(2_000)}`], /^skewgate: user: .*1024/],
  [['connect', 'skewgate://h/?version=4.14.0', '--count', '0'], /at least 1/],
  [['connect', 'skewgate://h/?version=4.14.0', '--hold', 'long'], /a duration such as/],
  [['connect'], /missing required argument 'url'/],
])('wrong usage %j: status 2', async (args, message) => {
  const { status, stderr } = await runCli(args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
