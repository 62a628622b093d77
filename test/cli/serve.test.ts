/** `skewgate serve FILE`: the gate as people run it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { recordSchema } from '../../src/decision/schema.ts';
import { descriptorLimit } from '../../src/runtime/descriptors.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { startCli, startProgram } from '../support/program.ts';
import { echoServer, FAST, outcomeOf, serveGate, serversOf } from './support.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

test('it says where it listens, decides, writes decisions to the file beside the config, and Ctrl-C ends it in order', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`);
  expect(gate.addresses).toEqual([
    expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
  ]);
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
  expect(await outcomeOf(gate.url('4.15.0', 1))).toBe('SERVER_OUTDATED');
  gate.program.signal('SIGINT');
  expect(await gate.program.exited).toBe(0);
  const records = gate.records();
  expect(
    records
      .filter(({ event }) => event === 'handshake')
      .map(({ verdict, client, listener }) => [client, verdict, listener])
      .sort(),
  ).toEqual([
    ['4.13.2', 'permit', gate.addresses[0]],
    ['4.15.0', 'refuse', gate.addresses[1]],
  ]);
  expect(records.filter(({ event }) => event === 'gate').map(({ what }) => what)).toEqual([
    'started',
    'draining',
    'stopped',
  ]);
  expect(records.filter(({ event }) => event === 'session-end')).toHaveLength(1);
  expect(gate.program.stdout).toBe('');
});

test.skipIf(descriptorLimit() === null)(
  'a gate whose limits need more descriptors than it may open says so at its start',
  async () => {
    const server = await echoServer('4.14.0');
    const gate = await serveGate(`${serversOf(server.address)}\n${FAST}\nlimits: { sessions: 1000000000 }`);
    await gate.program.waitFor(
      /1000000000 sessions need 2000010064 descriptors, and this process may open \d+/,
    );
    const modest = await serveGate(
      `${serversOf(server.address)}\n${FAST}\nlimits: { sessions: 10, handshakes: 10 }`,
    );
    modest.program.signal('SIGTERM');
    expect(await modest.program.exited).toBe(0);
    expect(modest.program.stderr).not.toContain('descriptors');
  },
);

test('a gate that runs out of descriptors says so, and when there are some again; its server stays up', async () => {
  const folder = tempFolder();
  const server = await echoServer('4.14.0');
  const config = path.join(folder, 'gate.yaml');
  const entry = `servers: [{ id: s1, address: '${server.address}' }]`;
  writeFileSync(config, `listen: [{ tcp: '127.0.0.1:0' }]\n${entry}\nmigration: { ledger: 'memory:' }\n`);
  const command = `ulimit -n 48; exec "$0" "$1" serve gate.yaml`;
  const gate = startProgram('sh', ['-c', command, process.execPath, MAIN], { cwd: folder });
  const [, host, port] = await gate.waitFor(/listening on tcp:\/\/(.*):(\d+)/);
  // One that is cut off comes again: a probe that ends gives its descriptor back, and somebody has to want it.
  const crowd = new Set<net.Socket>();
  let isOver = false;
  const come = () => {
    if (isOver) return;
    const socket = net.connect(Number(port), host).on('error', () => {});
    crowd.add(socket.resume());
    socket.on('close', () => {
      crowd.delete(socket);
      setImmediate(come);
    });
  };
  for (let clients = 0; clients < 64; clients++) come();
  await gate.waitFor(/no file descriptor is left: new clients are cut off without a record/).finally(() => {
    isOver = true;
    for (const socket of crowd) socket.destroy();
  });
  await gate.waitFor(/file descriptors are left again, after \d+ seconds?/);
  expect(await outcomeOf(`skewgate://${host}:${port}/?version=4.14.0`)).toBe('admitted by 4.14.0');
  expect(gate.stdout).not.toContain('"state":"down"');
  expect(gate.stderr.match(/no file descriptor is left/g)).toHaveLength(1);
  const said = gate.stdout
    .split('\n')
    .filter((line) => line.includes('descriptors'))
    .map((line) => recordSchema.parse(JSON.parse(line)));
  expect(said).toMatchObject([
    { what: 'no-descriptors', error: expect.stringContaining('ulimit -n'), lack: { times: 1, seconds: 0 } },
    { what: 'descriptors-left', error: null, lack: { times: 1, seconds: expect.any(Number) } },
  ]);
});

test('Ctrl-C lets sessions end: new clients are turned away, the open session still works, then the gate ends', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST.replace('2s', '20s')}`);
  const client = startCli(['connect', gate.url('4.14.0')]);
  await client.waitFor(/admitted/);
  gate.program.signal('SIGINT');
  await gate.program.waitFor(/waiting up to 20 s for 1 client to leave; Ctrl-C again/);
  expect(await outcomeOf(gate.url('4.14.0'))).toMatch(/DRAINING|ConnectError/);
  client.write('still here\n');
  await client.waitFor(/still here/, 'stdout');
  client.endInput();
  expect(await client.exited).toBe(0);
  expect(await gate.program.exited).toBe(0);
  expect(gate.records().find(({ event }) => event === 'session-end')).toMatchObject({
    reason: 'both-ended',
    bytesFromClient: 11,
    bytesFromServer: 11,
  });
});

test('Ctrl-C while it starts does not wait for a server that hangs, and it never listens', async () => {
  const hung = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  onTestFinished(() => void hung.close());
  await once(hung, 'listening');
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  const { port } = hung.address() as net.AddressInfo;
  writeFileSync(
    file,
    [
      'listen: [{ tcp: 127.0.0.1:0 }]',
      serversOf(`tcp://127.0.0.1:${port}`),
      'log: { file: decisions.ndjson }',
      "migration: { ledger: 'memory:' }",
      'timeouts: { dial: 10m }',
    ].join('\n'),
  );
  const asked = once(hung, 'connection');
  const gate = startCli(['serve', file]);
  await asked;
  gate.signal('SIGINT');
  expect(await gate.exited).toBe(0);
  expect(gate.stderr).toBe('');
  const records = readFileSync(path.join(folder, 'decisions.ndjson'), 'utf8').split('\n').slice(0, -1);
  expect(records.map((line) => JSON.parse(line).what)).toEqual(['draining', 'stopped']);
});

test('a second Ctrl-C ends at once, and the session that was cut is in the log', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST.replace('2s', '10m')}`);
  const client = startCli(['connect', gate.url('4.14.0')]);
  await client.waitFor(/admitted/);
  gate.program.signal('SIGINT');
  await gate.program.waitFor(/Ctrl-C again/);
  gate.program.signal('SIGINT');
  expect(await gate.program.exited).toBe(0);
  await client.exited;
  expect(gate.records().find(({ event }) => event === 'session-end')).toMatchObject({
    reason: 'gate-stopped',
  });
});

test('a second Ctrl-C ends at once also while a client does not read what was sent to it', async () => {
  const flood = net.createServer((socket) => {
    socket.on('error', () => {}).on('drain', () => socket.write(Buffer.alloc(1_048_576)));
    socket.write(Buffer.alloc(16 * 1_048_576));
  });
  flood.listen(0, '127.0.0.1');
  await once(flood, 'listening');
  const { port } = flood.address() as net.AddressInfo;
  const gate = await serveGate(
    [
      'servers:',
      `  - { id: flood, address: 'tcp://127.0.0.1:${port}', version: 4.14.0 }`,
      'timeouts: { drain: 10m }',
    ].join('\n'),
    { listen: '[{ tcp: 127.0.0.1:0, assume: 4.14.0 }]' },
  );
  const lazy = net.connect(Number(gate.addresses[0]?.split(':').at(-1)), '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    lazy.destroy();
    flood.close();
  });
  await once(lazy, 'readable');
  gate.program.signal('SIGINT');
  await gate.program.waitFor(/Ctrl-C again/);
  gate.program.signal('SIGINT');
  const slow = setTimeout(() => gate.program.signal('SIGKILL'), 15_000);
  expect(await gate.program.exited).toBe(0);
  clearTimeout(slow);
  expect(gate.records().find(({ event }) => event === 'session-end')).toMatchObject({
    reason: 'gate-stopped',
  });
});

test('a port that is taken is said with the address, status 1', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as net.AddressInfo;
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    `listen: [{ tcp: 127.0.0.1:${port} }]\n${serversOf('tcp://127.0.0.1:9')}\nlog: { file: d.ndjson }`,
  );
  const { status, stderr } = await runCli(['serve', file]);
  taken.close();
  expect(status).toBe(1);
  expect(stderr).toContain(`127.0.0.1:${port}: another program listens there`);
  expect(stderr).not.toContain('    at ');
});

test('a log that cannot be opened keeps the gate from starting, and the key is named', async () => {
  const folder = tempFolder();
  // Nobody can open the name of a socket, whatever rights they have.
  const socket = net.createServer().listen(path.join(folder, 'taken.ndjson'));
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(
    file,
    `listen: [{ tcp: 127.0.0.1:0 }]\n${serversOf('tcp://127.0.0.1:9')}\nlog: { file: taken.ndjson }`,
  );
  const { status, stderr } = await runCli(['serve', file]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^skewgate: log\.file: .*taken\.ndjson/m);
  expect(stderr).not.toContain('listening');
});

test('a config that is wrong, and one that is not there, end with status 2 and say why', async () => {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(file, 'listen: 1\n');
  const [wrong, missing] = await Promise.all([runCli(['serve', file]), runCli(['serve', `${file}.not`])]);
  expect([wrong.status, missing.status]).toEqual([2, 2]);
  expect(wrong.stderr).toContain(`${file}:1: listen: expected a list`);
  expect(missing.stderr).toContain('there is no such file');
});

test('a secret that the environment does not have is said in a line, status 2', async () => {
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    [
      'listen: [{ tcp: 127.0.0.1:0 }]',
      serversOf('tcp://127.0.0.1:9'),
      'migration: { hook: { http: https://hook.example, secretEnv: SKEWGATE_NO_SUCH } }',
    ].join('\n'),
  );
  const { status, stderr } = await runCli(['serve', file]);
  expect(stderr).toMatch(
    /^skewgate: the environment has no SKEWGATE_NO_SUCH, which signs the hook's requests$/m,
  );
  expect([status, stderr.includes('    at ')]).toEqual([2, false]);
});

test('a hook whose module is not there, or is none: said as the gate starts, in one line, status 2', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(path.join(folder, 'empty.mjs'), 'export const nothing = 0;');
  const serve = async (hook: string) => {
    const parts = ['listen: [{ tcp: 127.0.0.1:0 }]', serversOf('tcp://127.0.0.1:9'), `migration: ${hook}`];
    writeFileSync(file, parts.join('\n'));
    return runCli(['serve', file]);
  };
  const missing = await serve('{ hook: { module: ./not-there.mjs } }');
  expect(missing.stderr).toMatch(/^skewgate: .*not-there\.mjs/m);
  const empty = await serve('{ restore: { module: ./empty.mjs } }');
  expect(empty.stderr).toMatch(/^skewgate: .*empty\.mjs has no function as its default export$/m);
  for (const { status, stderr } of [missing, empty])
    expect([status, stderr.includes('    at ')]).toEqual([2, false]);
});

test('without a log file, decisions go to standard output, one line of JSON each, and nothing else does', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`, { log: '' });
  expect(await outcomeOf(gate.url('4.15.0'))).toBe('SERVER_OUTDATED');
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  const events = gate.program.lines.map((line) => JSON.parse(line));
  expect(events.find(({ event }) => event === 'handshake')).toMatchObject({
    code: 'SERVER_OUTDATED',
    client: '4.15.0',
  });
  expect(events.at(-1)).toMatchObject({ event: 'gate', what: 'stopped' });
});

test('a reader of standard output that goes away ends the log, not the gate', async () => {
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`, { log: '' });
  gate.program.child.stdout?.destroy();
  for (const _ of [1, 2]) expect(await outcomeOf(gate.url('4.14.0'))).toBe('admitted by 4.14.0');
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  expect(gate.program.stderr).not.toContain('    at ');
});

test.each([
  ['a log file', 'log: { file: /dev/full }', undefined],
  ['standard output', '', '/dev/full'],
])('a full disk behind %s is said once, and the gate goes on deciding', async (_what, log, out) => {
  const server = await echoServer('4.14.0');
  const stdout = out === undefined ? undefined : openSync(out, 'w');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`, {
    log,
    ...(stdout !== undefined && { stdout }),
  });
  if (stdout !== undefined) closeSync(stdout);
  await gate.program.waitFor(/decision log: .*ENOSPC.*; records are kept in memory and tried again/);
  expect(await outcomeOf(gate.url('4.14.0'))).toBe('admitted by 4.14.0');
  expect(await outcomeOf(gate.url('4.15.0'))).toBe('SERVER_OUTDATED');
  expect(gate.program.stderr.match(/ENOSPC/g)).toHaveLength(1);
  gate.program.signal('SIGTERM');
  await gate.program.exited;
  expect(gate.program.stderr).toMatch(/lost/);
});

test('standard output into a file gets every record', async () => {
  const file = path.join(tempFolder(), 'out.ndjson');
  const stdout = openSync(file, 'w');
  const server = await echoServer('4.14.0');
  const gate = await serveGate(`${serversOf(server.address)}\n${FAST}`, { log: '', stdout });
  closeSync(stdout);
  expect(await outcomeOf(gate.url('4.14.0'))).toBe('admitted by 4.14.0');
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  const events = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  expect(events).toEqual(expect.arrayContaining(['gate', 'server', 'handshake', 'session-end']));
});

const script = spawnSync('script', ['--version']).status === 0;
if (!script) console.log('skipped: there is no `script` here, which lends a program a terminal');

test.skipIf(!script)('in a terminal, without a log file, decisions are lines for people', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(file, `listen: [{ tcp: 127.0.0.1:0 }]\n${serversOf('tcp://127.0.0.1:9')}\n${FAST}`);
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const command = [process.execPath, main, 'serve', file].map((word) => `'${word}'`).join(' ');
  const program = startProgram('script', ['-qec', command, '/dev/null']);
  await program.waitFor(/\d\d:\d\d:\d\d\.\d{3}.* gate +started/, 'stdout');
  expect(program.stdout).not.toContain('{"');
});
