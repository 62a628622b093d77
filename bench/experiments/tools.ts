/** Programs that know nothing of skewgate, each with the load tool made for it, through a listener with `assume`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Experiment, Figure, Values } from '../experiment.ts';
import type { Lab } from '../lab.ts';
import { freePort, untilListening } from '../machine/ports.ts';
import { startPgBouncer, startPostgres } from '../machine/postgres.ts';
import { Program } from '../machine/process.ts';
import { findProgram } from '../machine/programs.ts';
import { DIRECT } from '../subjects/direct.ts';
import { startGateWith } from '../subjects/gate.ts';
import { HAPROXY } from '../subjects/haproxy.ts';
import { NGINX } from '../subjects/nginx.ts';
import { inFrontOf, type ProxyKind, runningProgram, type Servers } from '../subjects/proxy.ts';

/** A gate that takes whoever connects for a client of 4.13.1. */
const ASSUMING_GATE: ProxyKind = {
  id: 'gate',
  needs: [],
  start: (lab, [port]) =>
    startGateWith(lab, {
      config: {
        listen: [{ tcp: '127.0.0.1:0', assume: '4.13.1' }],
        servers: [{ id: 'real', address: `tcp://127.0.0.1:${port}`, version: '4.14.0' }],
      },
    }),
};

const PGBOUNCER: ProxyKind = {
  id: 'pgbouncer',
  needs: ['pgbouncer'],
  async start(lab, [server]) {
    const { program, port } = await startPgBouncer(lab, server as number);
    return runningProgram(program, { port });
  },
};

const PROXIES = [DIRECT, HAPROXY, NGINX, ASSUMING_GATE];

const HTTP: Servers = {
  needs: ['nginx', 'wrk'],
  servers: (lab) => lab.once('http', async () => [await startHttp(lab)]),
};
const REDIS: Servers = {
  needs: ['redis-server', 'redis-benchmark'],
  servers: (lab) => lab.once('redis', async () => [await startRedis(lab)]),
};
const POSTGRES: Servers = {
  needs: ['postgres', 'initdb', 'pgbench'],
  servers: (lab) => lab.once('postgres', async () => [await startPostgres(lab)]),
};

async function startHttp(lab: Lab): Promise<number> {
  const port = await freePort();
  const folder = lab.newFolder('http');
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(
    file,
    [
      'daemon off;',
      'worker_processes 1;',
      `pid ${folder}/nginx.pid;`,
      'events { worker_connections 1000; }',
      // A connection is not to end in the middle of a run.
      'http { access_log off; keepalive_requests 100000000;',
      `  server { listen 127.0.0.1:${port}; location / { return 200 "hello"; } } }`,
      '',
    ].join('\n'),
  );
  await untilListening(port, await lab.start([findProgram('nginx') as string, '-c', file, '-e', 'stderr']));
  return port;
}

async function startRedis(lab: Lab): Promise<number> {
  const port = await freePort();
  const command = [findProgram('redis-server') as string, '--port', String(port), '--bind', '127.0.0.1'];
  const program = await lab.start([...command, '--save', ''], { cwd: lab.newFolder('redis') });
  await untilListening(port, program);
  return port;
}

/** Runs a tool to its end, and takes a number out of what it prints. @throws {Error} if it is not there */
async function ask(lab: Lab, command: readonly string[], pattern: RegExp): Promise<Values> {
  const [name = '', ...rest] = command;
  await using program = await Program.start([findProgram(name) as string, ...rest], {
    cwd: lab.folder,
    env: { LC_ALL: 'C' },
  });
  const output = await program.output();
  const rate = Number(pattern.exec(output)?.[1]);
  if (Number.isNaN(rate) || /Socket errors|Non-2xx/.test(output)) throw new Error(`${name}: ${output}`);
  return { rate };
}

/** wrk and pgbench count in whole seconds. */
const SECONDS = '1';

function wrk(lab: Lab, port: number, more: readonly string[]): Promise<Values> {
  const url = `http://127.0.0.1:${port}/`;
  return ask(lab, ['wrk', '-t1', '-c64', `-d${SECONDS}s`, ...more, url], /^Requests\/sec:\s+([\d.]+)/m);
}

function redisBenchmark(lab: Lab, port: number): Promise<Values> {
  const count = lab.quick ? '2000' : '30000';
  const command = ['redis-benchmark', '-h', '127.0.0.1', '-p', String(port), '-t', 'get', '-c', '50'];
  return ask(lab, [...command, '-n', count, '--csv'], /^"GET[^"]*","([\d.]+)"/m);
}

function pgbench(lab: Lab, port: number): Promise<Values> {
  const file = path.join(lab.folder, 'select.sql');
  writeFileSync(file, 'select 1;\n');
  const server = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres'];
  return ask(
    lab,
    ['pgbench', ...server, '-n', '-C', '-c', '8', '-T', SECONDS, '-f', file, 'postgres'],
    /^tps = ([\d.]+)/m,
  );
}

function experiment(
  name: string,
  title: string,
  servers: Servers,
  proxies: readonly ProxyKind[],
  measure: (lab: Lab, port: number) => Promise<Values>,
): Experiment {
  const figure: Figure = { key: 'rate', title, unit: '/s', more: true };
  return {
    name,
    title,
    reference: HAPROXY.id,
    figures: [figure],
    variants: proxies.map((proxy) => inFrontOf(servers, proxy, (lab, { port }) => measure(lab, port))),
  };
}

export const TOOLS: readonly Experiment[] = [
  experiment('tools-http', 'wrk, 64 connections kept alive', HTTP, PROXIES, (lab, port) =>
    wrk(lab, port, []),
  ),
  experiment('tools-http-close', 'wrk, 64 connections, one for each request', HTTP, PROXIES, (lab, port) =>
    wrk(lab, port, ['-H', 'Connection: close']),
  ),
  experiment('tools-redis', 'redis-benchmark, GET, 50 connections', REDIS, PROXIES, redisBenchmark),
  experiment(
    'tools-postgres',
    'pgbench -C: select 1, 8 clients, each in a connection of its own',
    POSTGRES,
    [DIRECT, HAPROXY, PGBOUNCER, ASSUMING_GATE],
    pgbench,
  ),
];
