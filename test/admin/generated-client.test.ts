/** A client that is generated from the API's document, by a generator that others use, and what it can do with a gate. */
import { execFile } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/folder.ts';
import { startWithAdmin } from './support.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GENERATOR = path.join(ROOT, 'test/admin/generator/node_modules/.bin/openapi-ts');
/** In CI it is there; elsewhere: `npm ci --prefix test/admin/generator`. */
const isMissing = !existsSync(GENERATOR) && process.env.CI === undefined;
if (isMissing)
  console.warn(
    'test/admin/generated-client.test.ts is skipped: no generator; npm ci --prefix test/admin/generator brings it',
  );

const PROGRAM = `
import { client } from './client/client.gen.ts';
import * as gate from './client/index.ts';

client.setConfig({ baseUrl: process.env.GATE as string, auth: () => process.env.TOKEN as string });

const { data: cluster } = await gate.getCluster({ throwOnError: true });
const { data: sessions } = await gate.getSessions({ query: { client: '4.14', limit: 10 }, throwOnError: true });
const { data: next } = await gate.getNext({ throwOnError: true });
const sentence: string = next.sentence;
const { data: paused } = await gate.pause({ body: { reason: 'by a client', for: '1m' }, throwOnError: true });
const { data: orders } = await gate.getOrders({ throwOnError: true });
const wrong = await gate.kick({ body: { session: 'none' } });
const abort = new AbortController();
const { stream } = await gate.followDecisions({ signal: abort.signal });
let heard: unknown = null;
for await (const decision of stream) {
  heard = decision;
  break;
}
abort.abort();
console.log(JSON.stringify({
  gate: cluster.gate,
  clients: sessions.sessions.map(({ client }) => client),
  said: sentence !== '',
  paused: paused.done,
  reasons: orders.orders.map(({ reason }) => reason),
  error: wrong.error?.error,
  heard: typeof heard,
}));
`;

test.skipIf(isMissing)(
  'a client generated from docs/openapi.json compiles, asks, acts, and hears what is wrong',
  async () => {
    const folder = tempFolder();
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      path.join(folder, 'openapi-ts.config.json'),
      JSON.stringify({
        input: path.join(ROOT, 'docs/openapi.json'),
        output: { path: path.join(folder, 'client'), importFileExtension: '.ts' },
        plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
      }),
    );
    await run(process.execPath, [GENERATOR, '-f', path.join(folder, 'openapi-ts.config.json')], {
      cwd: folder,
    });
    const program = path.join(folder, 'program.ts');
    writeFileSync(program, PROGRAM);
    await run(process.execPath, [
      path.join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...[
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--types',
        'node',
      ],
      ...['--lib', 'es2024,dom,dom.iterable,dom.asynciterable', '--allowImportingTsExtensions', program],
    ]).catch(({ stdout, message }) => expect(stdout || message).toBe(''));
    await using gate = await startWithAdmin({ id: 'g1' });
    const session = await gate.fleet.admit('4.14.0');
    const { stdout } = await run(process.execPath, [program], {
      env: { ...process.env, GATE: gate.admin.address, TOKEN: gate.token },
    });
    expect(JSON.parse(stdout)).toEqual({
      gate: 'g1',
      clients: ['4.14.0'],
      said: true,
      paused: true,
      reasons: ['by a client'],
      error: 'NOT_FOUND',
      heard: 'object',
    });
    session.destroy();
  },
  120_000,
);
