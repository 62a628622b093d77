/** `workers: N`: one gate in several processes, as people run it. */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import type { RefusedError } from '../../src/client/session.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { startCli } from '../support/program.ts';
import {
  echoServer,
  FAST,
  type LogLine,
  outcomeOf,
  type ServedGate,
  serveGate,
  serversOf,
} from './support.ts';

/** Clients that it takes, at most, for the kernel to have given one to each of two workers. */
const MANY = 100;
/** Files of other processes announce nothing. */
const WAIT = { timeout: 10_000, interval: 20 };

const connect = (url: string) => connectTo(parseUrl(url), realRuntime);

/** The records of all workers, each with the worker's number. */
function recordsOf({ folder }: ServedGate): (LogLine & { readonly worker: string })[] {
  return readdirSync(folder)
    .filter((name) => /^decisions\.worker-\d+\.ndjson$/.test(name))
    .flatMap((name) =>
      readFileSync(path.join(folder, name), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => ({ ...JSON.parse(line), worker: name.replace(/\D/g, '') })),
    );
}

/** The process of each worker that is there, as Linux lists them. */
function workersOf({ program }: Pick<ServedGate, 'program'>): number[] {
  const children = readFileSync(`/proc/${program.child.pid}/task/${program.child.pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

async function withWorkers(more = '', log?: string): Promise<ServedGate & { readonly server: string }> {
  const server = await echoServer('4.14.0');
  const config = `id: g\nworkers: 2\n${serversOf(server.address)}\n${FAST}\n${more}`;
  return { ...(await serveGate(config, log === undefined ? {} : { log })), server: server.address };
}

/** Connects until each worker has admitted somebody. */
async function fillBoth(gate: ServedGate): Promise<void> {
  const seen = () =>
    new Set(recordsOf(gate).flatMap(({ event, worker }) => (event === 'handshake' ? [worker] : [])));
  for (let client = 0; client < MANY && seen().size < 2; client++)
    expect(await outcomeOf(gate.url('4.13.2', client % 2))).toBe('admitted by 4.14.0');
  await vi.waitUntil(() => seen().size === 2, WAIT);
}

test('both workers take clients of the same ports, TCP and WebSocket, and log to files of their own that are read as one', async () => {
  const gate = await withWorkers();
  await fillBoth(gate);
  gate.program.signal('SIGINT');
  expect(await gate.program.exited).toBe(0);
  const records = recordsOf(gate);
  expect(new Set(records.map(({ gate }) => gate))).toEqual(new Set(['g/1', 'g/2']));
  for (const worker of ['1', '2'])
    expect(
      records.flatMap(({ event, what, worker: by }) => (event === 'gate' && by === worker ? [what] : [])),
    ).toEqual(['started', 'draining', 'stopped']);
  const listeners = records.find(({ event }) => event === 'gate')?.listeners;
  expect(listeners).toEqual(gate.addresses);
  const { stdout } = await runCli(['log', '--json', path.join(gate.folder, 'decisions.ndjson')]);
  expect(stdout.split('\n').slice(0, -1)).toHaveLength(records.length);
  expect(readdirSync(gate.folder)).not.toContain('decisions.ndjson');
});

test('a limit holds for both together, to the last place, and a place that is given back serves the other', async () => {
  const gate = await withWorkers('limits: { sessions: 5 }');
  const sessions = [];
  let refused = 0;
  for (let client = 0; client < 12; client++)
    try {
      sessions.push(await connect(gate.url('4.13.2')));
    } catch (error) {
      expect((error as RefusedError).code).toBe('TOO_MANY_CONNECTIONS');
      expect((error as RefusedError).message).toContain('5 sessions are open already');
      refused++;
    }
  expect([sessions.length, refused]).toEqual([5, 7]);
  for (const session of sessions) session.on('error', () => {}).destroy();
  await vi.waitUntil(() => recordsOf(gate).filter(({ event }) => event === 'session-end').length === 5, WAIT);
  await fillBoth(gate);
});

test.skipIf(process.platform !== 'linux')(
  'a worker that is killed is replaced, and the other one keeps its sessions and goes on admitting',
  async () => {
    const gate = await withWorkers();
    const [first, second] = workersOf(gate) as [number, number];
    const session = await connect(gate.url('4.13.2'));
    await vi.waitUntil(() => recordsOf(gate).some(({ event }) => event === 'handshake'), WAIT);
    const holder = recordsOf(gate).find(({ event }) => event === 'handshake')?.gate;
    process.kill(holder === 'g/1' ? second : first, 'SIGKILL');
    await gate.program.waitFor(/worker \d ended with SIGKILL and is replaced/, 'stderr');
    session.write('still here');
    expect(String(await new Promise((resolve) => session.once('data', resolve)))).toBe('still here');
    // What the kernel had given to the one that died is lost with it; from now on nobody is.
    expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
    await vi.waitUntil(() => recordsOf(gate).filter(({ what }) => what === 'started').length === 3, WAIT);
    await fillBoth(gate);
    expect(
      new Set(recordsOf(gate).flatMap(({ listeners }) => (listeners ? [String(listeners)] : []))),
    ).toEqual(new Set([String(gate.addresses)]));
    session.on('error', () => {}).destroy();
  },
);

test.skipIf(process.platform !== 'linux')('workers end with their supervisor, however it ended', async () => {
  const gate = await withWorkers();
  const workers = workersOf(gate);
  expect(workers).toHaveLength(2);
  gate.program.signal('SIGKILL');
  await gate.program.exited;
  await vi.waitUntil(() => recordsOf(gate).filter(({ what }) => what === 'stopped').length === 2, WAIT);
  await vi.waitUntil(() => workers.every((pid) => !isRunning(pid)), WAIT);
});

test.skipIf(process.platform !== 'linux')(
  'one that is told to stop while its first worker starts ends at once, and starts no other',
  async () => {
    const file = path.join(tempFolder(), 'gate.yaml');
    writeFileSync(
      file,
      "workers: 2\nlisten: [{ tcp: 127.0.0.1:0 }]\nservers: [{ id: s, address: 'tcp://127.0.0.1:1' }]\n",
    );
    const program = startCli(['serve', file]);
    await vi.waitUntil(() => workersOf({ program }).length === 1, WAIT);
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(program.stderr).not.toContain('listening');
  },
);

test('without a log file both write whole lines to the standard output of the gate', async () => {
  const gate = await withWorkers('', '');
  for (let client = 0; client < 20; client++) await outcomeOf(gate.url('4.13.2'));
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
  const records = gate.program.lines.map((line) => JSON.parse(line));
  expect(records.filter(({ event }) => event === 'handshake')).toHaveLength(20);
  expect(
    records
      .filter(({ what }) => what === 'stopped')
      .map(({ gate }) => gate)
      .sort(),
  ).toEqual(['g/1', 'g/2']);
});

test('an address that another program has is said once, and nothing is started', async () => {
  const server = await echoServer('4.14.0');
  const taken = server.address.replace('tcp://', '');
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    `workers: 2\nlisten: [{ tcp: '${taken}' }]\nservers: [{ id: s, address: 'tcp://127.0.0.1:1' }]\n`,
  );
  const program = startCli(['serve', file]);
  expect(await program.exited).toBe(1);
  expect(program.stderr).toBe(
    `skewgate: listen EADDRINUSE: address already in use ${taken}: another program listens there\n`,
  );
  expect(program.stdout).toBe('');
});

test('a ledger that only one process can see is refused', async () => {
  const server = await echoServer('4.14.0');
  const file = path.join(tempFolder(), 'gate.yaml');
  writeFileSync(
    file,
    `workers: 2\nlisten: [{ tcp: 127.0.0.1:0 }]\n${serversOf(server.address)}\nmigration: { ledger: 'memory:' }\n`,
  );
  const { status, stderr } = await runCli(['check', file]);
  expect(status).toBe(2);
  expect(stderr).toContain(
    'migration.ledger: a ledger in memory is of one process, and there are several workers',
  );
});

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

test("SIGHUP is every worker's or nobody's: a limit holds for all together, a new port is everybody's, and a port that one of them can't have changes nothing", async () => {
  const gate = await withWorkers();
  const file = path.join(gate.folder, 'gate.yaml');
  const bound = gate.addresses.map((address) => address.replace('://', ": '"));
  const write = (more: string, ...ports: number[]) => {
    const listen = [...bound, ...ports.map((port) => `tcp: '127.0.0.1:${port}`)].map(
      (entry) => `{ ${entry}' }`,
    );
    const text = `listen: [${listen.join(', ')}]\nid: g\nworkers: 2\nlog: { file: decisions.ndjson }`;
    writeFileSync(file, `${text}\n${serversOf(gate.server)}\n${FAST}\n${more}`);
  };
  const reloads = () =>
    recordsOf(gate).filter(({ event, what }) => event === 'operator' && what === 'reload');
  const reload = async (stage: string) => {
    const before = reloads().length;
    gate.program.signal('SIGHUP');
    await vi.waitUntil(() => reloads().length === before + 2, WAIT);
    const last = ['1', '2'].map((number) => reloads().findLast(({ worker }) => worker === number));
    expect(last.map((record) => record?.stage)).toEqual([stage, stage]);
    return last[0]?.effect as string;
  };
  const session = await connect(gate.url('4.13.2'));
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as net.AddressInfo;
  write('limits: { sessions: 1 }', port);
  expect(await reload('refused')).toContain('EADDRINUSE');
  expect(await outcomeOf(gate.url('4.13.2'))).toBe('admitted by 4.14.0');
  const added = await freePort();
  write('limits: { sessions: 4 }', added);
  expect(await reload('done')).toContain('limits.sessions: 100000 to 4');
  const url = `skewgate://127.0.0.1:${added}/?version=4.13.2`;
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => connect(url).catch((error) => error)));
  const open = outcomes.filter((outcome) => !(outcome instanceof Error));
  expect(open.length).toBeGreaterThan(0);
  expect(open.length + 1).toBeLessThanOrEqual(4);
  for (const other of [...open, session]) other.on('error', () => {}).destroy();
  const [first] = workersOf(gate) as [number];
  process.kill(first, 'SIGKILL');
  await gate.program.waitFor(/ended with SIGKILL and is replaced/, 'stderr');
  await vi.waitUntil(() => recordsOf(gate).filter(({ what }) => what === 'started').length === 3, WAIT);
  const started = recordsOf(gate).filter(({ what }) => what === 'started');
  expect(started.flatMap(({ listeners }) => listeners)).toContain(`tcp://127.0.0.1:${added}`);
  gate.program.signal('SIGTERM');
  expect(await gate.program.exited).toBe(0);
});
