/**
 * Replaces a gate by another on the same ports, again and again under load, and prints what became of the clients. A
 * program of its own, so that a test can run it in a network of its own: `node replace.ts ROUNDS`, in an empty folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { realRuntime } from '../../src/runtime/real.ts';
import { startServer } from '../../src/server/server.ts';
import { parseVersion } from '../../src/version/version.ts';
import { keepComing } from '../support/crowd.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const LANES = 16;

const { transports, clock } = realRuntime;
const server = await startServer({
  id: 's1',
  version: parseVersion('4.14.0'),
  listen: 'tcp://127.0.0.1:0',
  transports,
  clock,
});
writeFileSync(
  'gate.yaml',
  [
    "listen: [{ tcp: '127.0.0.1:8700' }, { ws: '127.0.0.1:8701' }]",
    'reusePort: true',
    `servers: [{ id: s1, address: '${server.address}' }]`,
    "migration: { ledger: 'memory:' }",
    'log: { file: decisions.ndjson }',
  ].join('\n'),
);

async function startGate(): Promise<ChildProcess> {
  const gate = spawn(process.execPath, [MAIN, 'serve', 'gate.yaml'], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    gate.stderr?.on('data', (chunk) => {
      said += chunk;
      if (said.includes('listening on')) resolve();
    });
    gate.once('exit', () => reject(new Error(said)));
  });
  return gate;
}

async function end(gate: ChildProcess): Promise<void> {
  const over = once(gate, 'exit');
  gate.kill('SIGTERM');
  const [status] = await over;
  if (status !== 0) throw new Error(`a gate ended with status ${status}`);
}

let gate = await startGate();
const crowd = keepComing(
  ['skewgate://127.0.0.1:8700/?version=4.13.2', 'skewgate+ws://127.0.0.1:8701/?version=4.13.2'],
  LANES,
);
for (let round = 0; round < Number(process.argv[2]); round++) {
  const next = await startGate();
  await end(gate);
  gate = next;
}
const result = await crowd.stop();
await end(gate);
await server.close();
console.log(JSON.stringify(result));
