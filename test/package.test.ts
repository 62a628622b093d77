/** What another project gets from `npm install skewgate`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, installPackage } from './support/installed.ts';

const run = promisify(execFile);
let folder: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-package-'));
  installed = await installPackage(folder);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const PROGRAM = `
import { type Code, connect, decide, PRESETS, parseVersion, RefusedError, type Session, UrlError } from 'skewgate';

const server = { id: 'rs1', version: parseVersion('4.14.1'), state: 'up' } as const;
const { code, move } = decide(
  { version: parseVersion('4.15.0'), upgrade: 'may' },
  { servers: [server], level: null, upgrade: { state: 'idle' } },
  PRESETS.phoenix,
);
const known: Code = code;
console.log(known, move?.side, move?.to);
const session: Session | string = await connect('skewgate://127.0.0.1/?user=me').catch((error: unknown) =>
  error instanceof UrlError && !(error instanceof RefusedError) ? 'no version' : 'odd',
);
console.log(session);
`;

test('the public names can be imported, and their types hold', async () => {
  const program = path.join(folder, 'program.mts');
  await writeFile(program, PROGRAM);
  await symlink(path.join(installed, 'node_modules/@types'), path.join(folder, 'node_modules/@types'));
  await compile([
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--rootDir',
    folder,
    program,
  ]);
  const { stdout } = await run(process.execPath, [program]);
  expect(stdout).toBe('SERVER_OUTDATED server 4.15\nno version\n');
});

test('the command runs from what is published', async () => {
  const command = path.join(installed, 'src/cli/skewgate.cjs');
  const { stdout } = await run(process.execPath, [
    command,
    'explain',
    '--client',
    '4.13.2',
    '--server',
    '4.15.0',
  ]);
  expect(stdout).toMatch(/^PERMIT PERMITTED \(rule M2\)/);
});

test('an import of anything inside the package is refused', async () => {
  const program = path.join(folder, 'inside.mjs');
  await writeFile(program, `import 'skewgate/dist/gateway/gate.js';`);
  await expect(run(process.execPath, [program])).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

test('the package says where it lives, for those who look it up in a registry', async () => {
  const { repository, homepage, bugs } = JSON.parse(
    await readFile(path.join(installed, 'package.json'), 'utf8'),
  );
  expect(repository.url).toBe('git+https://github.com/skewgate/skewgate.git');
  expect([homepage, bugs.url]).toEqual([
    'https://github.com/skewgate/skewgate#readme',
    'https://github.com/skewgate/skewgate/issues',
  ]);
});
