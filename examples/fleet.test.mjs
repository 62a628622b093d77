/** A mixed fleet in a test of your own: npx node --test examples/fleet.test.mjs */
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from 'skewgate';

const command = fileURLToPath(new URL('src/cli/skewgate.cjs', import.meta.resolve('skewgate/package.json')));
const children = [];
let folder;
let gate;

/** Starts `skewgate …` and resolves to the first address it prints: port 0 means that it chooses one. */
function start(...args) {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  return new Promise((resolve, reject) => {
    const look = (text) => {
      said += text;
      const [address] = /(tcp|ws):\/\/\S+:\d+/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', look);
    child.once('close', (status) =>
      reject(new Error(`skewgate ${args.join(' ')} ended with ${status}: ${said}`)),
    );
  });
}

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'fleet-'));
  const rs1 = await start('server', '--version', '4.14.1'); // or a server of yours: see proto/
  const rs2 = await start('server', '--version', '4.15.0');
  const config = {
    listen: [{ tcp: '127.0.0.1:0' }],
    servers: [
      { id: 'rs1', address: rs1 },
      { id: 'rs2', address: rs2 },
    ],
    log: { file: 'decisions.ndjson' },
  };
  await writeFile(path.join(folder, 'gate.yaml'), JSON.stringify(config)); // JSON is YAML
  gate = (await start('serve', path.join(folder, 'gate.yaml'))).replace('tcp', 'skewgate');
});

after(async () => {
  for (const child of children) child.kill();
  await rm(folder, { recursive: true });
});

test('last year’s client is still admitted', async () => {
  const session = await connect(`${gate}/?version=4.13.2`);
  assert.match(session.server.id, /^rs[12]$/);
  session.destroy();
});

test('the next client has to wait for the servers', async () => {
  await assert.rejects(connect(`${gate}/?version=4.15.0`), {
    code: 'SERVER_OUTDATED',
    move: { side: 'server', to: '4.15', who: ['rs1'] },
    transient: false,
  });
});
