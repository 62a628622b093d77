/**
 * What the gate's work costs, counted and not timed, so that a machine with much else to do counts the same: bytes
 * allocated, and system calls for each session.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { realRuntime } from '../../src/runtime/real.ts';
import { realEnvironment } from '../support/environment.ts';
import { TestServer } from '../support/servers.ts';

/** How often each thing is done, or how much it takes, by name. */
export type Counts = Readonly<Record<string, number>>;

export interface AllCounts {
  /** Bytes of the JavaScript heap for each piece of work, the client's and the server's part among them. */
  readonly allocations: Counts;
  /** For each session through a gate, by transport and call. */
  readonly systemCalls: Readonly<Record<'tcp' | 'ws', Counts>>;
}

const FLAGS = [
  '--expose-gc',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--single-threaded',
  '--min-semi-space-size=1024',
  '--max-semi-space-size=1024',
];

const CALLS =
  'accept4,connect,socket,setsockopt,getsockopt,getpeername,getsockname,read,readv,recvfrom,write,writev,sendto,sendmsg,shutdown,close,epoll_ctl';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ALLOCATIONS = fileURLToPath(new URL('./allocations.ts', import.meta.url));

/** Bytes that each piece of work allocates. */
export async function countAllocations(): Promise<Counts> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, ALLOCATIONS]);
  return JSON.parse(stdout);
}

/** System calls of a gate for each session, beyond those of its start: the difference of two runs. */
export async function countSystemCalls(scheme: 'tcp' | 'ws', folder: string): Promise<Counts> {
  const [few, many] = [20, 120] as const;
  const [start, all] = [await callsOf(scheme, few, folder), await callsOf(scheme, many, folder)];
  const each = Object.entries(all).map(([call, count]): [string, number] => [
    call,
    Math.round(((count - (start[call] ?? 0)) / (many - few)) * 100) / 100,
  ]);
  return Object.fromEntries(each.filter(([, count]) => count > 0).sort());
}

/** What `strace` counts from a gate's start to its end, with so many sessions one after the other. */
async function callsOf(scheme: 'tcp' | 'ws', sessions: number, folder: string): Promise<Counts> {
  const server = await TestServer.start(realEnvironment, 's1', { version: '4.14.0' });
  const [config, counted] = [path.join(folder, 'gate.yaml'), path.join(folder, 'calls')];
  writeFileSync(
    config,
    `listen: [{ ${scheme}: 127.0.0.1:0 }]
servers: [{ id: s1, address: '${server.address}' }]
log: { file: decisions.ndjson }
timeouts: { probe: 1h }
migration: { ledger: 'memory:' }
`,
  );
  const strace = ['-f', '-qq', '-c', '-U', 'calls,name', '-e', `trace=${CALLS}`, '-o', counted];
  const traced = spawn('strace', [...strace, process.execPath, MAIN, 'serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 120_000,
  });
  const address = await addressOf(traced.stderr);
  const url = `${address.replace('tcp:', 'skewgate:').replace('ws:', 'skewgate+ws:')}/?version=4.13.2`;
  for (let at = 0; at < sessions; at++) {
    const session = await connectTo(parseUrl(url), realRuntime);
    session.resume().end('x');
    await once(session, 'close');
  }
  const children = readFileSync(`/proc/${traced.pid}/task/${traced.pid}/children`, 'utf8');
  process.kill(Number(children.trim().split(' ')[0]), 'SIGTERM');
  await once(traced, 'close');
  await server.stop();
  return parseCalls(readFileSync(counted, 'utf8'));
}

async function addressOf(stderr: Readable): Promise<string> {
  let said = '';
  for await (const chunk of stderr.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    const address = /listening on (\S+)\n/.exec(said)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`the gate did not begin: ${said}`);
}

/** Lines such as `120 accept4`, and a total. */
function parseCalls(table: string): Counts {
  const rows = table.matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm);
  return Object.fromEntries(
    [...rows].flatMap(([, count, call = '']) => (call === 'total' ? [] : [[call, Number(count)]])),
  );
}
