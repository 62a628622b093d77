/** nginx with its stream module, one worker. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, untilListening } from '../machine/ports.ts';
import { findProgram } from '../machine/programs.ts';
import { descriptorLimit } from '../machine/usage.ts';
import { type ProxyKind, runningProgram } from './proxy.ts';

/** Where Debian puts the module. */
const MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

export const NGINX: ProxyKind = {
  id: 'nginx',
  needs: ['nginx'],
  async start(lab, servers) {
    const port = await freePort();
    const folder = lab.newFolder('nginx');
    const file = path.join(folder, 'nginx.conf');
    writeFileSync(file, configOf(folder, port, servers));
    const program = await lab.start([findProgram('nginx') as string, '-c', file, '-e', 'stderr']);
    await untilListening(port, program);
    return runningProgram(program, { port });
  },
};

function configOf(folder: string, port: number, servers: readonly number[]): string {
  return [
    ...(existsSync(MODULE) ? [`load_module ${MODULE};`] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/nginx.pid;`,
    `events { worker_connections ${Math.min(40_000, descriptorLimit() - 100)}; }`,
    'stream {',
    `  upstream bench { ${servers.map((server) => `server 127.0.0.1:${server};`).join(' ')} }`,
    `  server { listen 127.0.0.1:${port}; proxy_pass bench; proxy_half_close on; }`,
    '}',
    '',
  ].join('\n');
}
