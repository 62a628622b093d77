/** What a gate reads into memory to serve its config: a count that does not depend on the machine. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/folder.ts';
import { startCli } from '../support/program.ts';

const HOOK = new URL('../support/loaded-modules.mjs', import.meta.url).href;
const SERVER = 'servers: [{ id: rs1, address: tcp://127.0.0.1:1, version: 4.14.0 }]';
/** Of the project's own, each a file; those of `zod` and `yaml` are beside them. */
const MOST_OWN = 232;
const MOST = 466;
const OPTIONAL =
  /\/node_modules\/ws\/|\/src\/transport\/ws|^node:https?$|\/src\/server\/|\/src\/cli\/demo|\/src\/fleet\/|\/src\/(?:admin|metrics)\/|\/node_modules\/(?:fastify|prom-client)\//;

/** The modules that each process of the gate had loaded when it was told to end; the supervisor, if any, first. */
async function loadedBy(config: readonly string[]): Promise<string[][]> {
  const [folder, lists] = [tempFolder(), tempFolder()];
  const file = path.join(folder, 'gate.yaml');
  writeFileSync(file, [SERVER, 'log: { file: decisions.ndjson }', ...config].join('\n'));
  const gate = startCli(['serve', file], { env: { NODE_OPTIONS: `--import ${HOOK}`, LOADED_FOLDER: lists } });
  await gate.waitFor(/listening on /, 'stderr');
  await gate.stop();
  const own = String(gate.child.pid);
  const names = [own, ...readdirSync(lists).filter((name) => name !== own)];
  return names.map((name) => readFileSync(path.join(lists, name), 'utf8').trim().split('\n'));
}

const has = (modules: readonly string[], which: RegExp) => modules.some((url) => which.test(url));

test('a gate with TCP listeners and servers reads nothing of WebSocket, HTTP, fleets, the example, an admin side or metrics', async () => {
  const [modules = [], ...others] = await loadedBy(['listen: [{ tcp: 127.0.0.1:0 }]']);
  expect(others).toEqual([]);
  expect(has(modules, /\/src\/gateway\/gate\.ts$/)).toBe(true);
  expect(modules.filter((url) => OPTIONAL.test(url))).toEqual([]);
  expect(modules.filter((url) => /\/src\//.test(url) && !/node_modules/.test(url)).length).toBeLessThan(
    MOST_OWN,
  );
  expect(modules.length).toBeLessThan(MOST);
});

test('a gate with an admin side has read all of it before it listens', async () => {
  const [modules = []] = await loadedBy([
    'listen: [{ tcp: 127.0.0.1:0 }]',
    "admin: { listen: '127.0.0.1:0' }",
  ]);
  expect(has(modules, /\/node_modules\/fastify\//)).toBe(true);
  expect(has(modules, /\/src\/admin\/routes\/verbs\.ts$/)).toBe(true);
});

test('a gate with a WebSocket listener has read all of it before it listens', async () => {
  const [modules = []] = await loadedBy(['listen: [{ ws: 127.0.0.1:0 }]']);
  expect(has(modules, /\/src\/transport\/ws-listener\.ts$/)).toBe(true);
});

test('a supervisor reads nothing of a gate but how one reloads, and a worker nothing of what reads a config', async () => {
  const sqlite = "migration: { ledger: 'sqlite:ledger.db' }";
  const [supervisor = [], ...workers] = await loadedBy([
    'workers: 2',
    'listen: [{ tcp: 127.0.0.1:0 }]',
    sqlite,
  ]);
  expect(has(supervisor, /\/yaml\//)).toBe(true);
  expect(
    supervisor.filter((url) =>
      /\/src\/(gateway(?!\/reload)|frontend(?!\/carriers)|cluster)\/|\/wire\/messages/.test(url),
    ),
  ).toEqual([]);
  expect(workers.length).toBe(2);
  for (const worker of workers) {
    expect(has(worker, /\/src\/gateway\/gate\.ts$/)).toBe(true);
    expect(
      worker.filter((url) => /\/yaml\/|\/config\/(schema|load|yaml)\.ts$|\/commander\//.test(url)),
    ).toEqual([]);
  }
});
