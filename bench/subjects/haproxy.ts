/** HAProxy in TCP mode with one thread and its defaults, and with splicing. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from '../lab.ts';
import { freePort, untilListening } from '../machine/ports.ts';
import { findProgram } from '../machine/programs.ts';
import { descriptorLimit } from '../machine/usage.ts';
import { type ProxyKind, type Running, runningProgram } from './proxy.ts';

export const HAPROXY: ProxyKind = {
  id: 'haproxy',
  needs: ['haproxy'],
  start: (lab, servers) => start(lab, servers, []),
};

/** `splice-auto` does not engage where much comes at once, so it is asked for in both directions. */
export const HAPROXY_SPLICE: ProxyKind = {
  id: 'haproxy-splice',
  needs: ['haproxy'],
  start: (lab, servers) => start(lab, servers, ['option splice-request', 'option splice-response']),
};

async function start(lab: Lab, servers: readonly number[], options: readonly string[]): Promise<Running> {
  const port = await freePort();
  const file = path.join(lab.newFolder('haproxy'), 'haproxy.cfg');
  writeFileSync(file, configOf(port, servers, options));
  const program = await lab.start([findProgram('haproxy') as string, '-db', '-f', file]);
  await untilListening(port, program);
  return runningProgram(program, { port });
}

function configOf(port: number, servers: readonly number[], options: readonly string[]): string {
  return [
    'global',
    '  nbthread 1',
    // Each connection takes two descriptors, and with splicing a pipe in each direction.
    `  maxconn ${Math.min(20_000, Math.floor(descriptorLimit() / (options.length > 0 ? 4 : 2)) - 50)}`,
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 10m',
    '  timeout server 10m',
    'listen bench',
    `  bind 127.0.0.1:${port}`,
    ...options.map((option) => `  ${option}`),
    ...servers.map((server, at) => `  server s${at + 1} 127.0.0.1:${server}`),
    '',
  ].join('\n');
}
