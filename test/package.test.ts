/** What another project gets from `npm install skewgate`. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPageFiles } from '../src/admin/page-files.ts';
import { readSources } from './support/imports.ts';
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

test('the page of the admin side is part of what is published, and found from what was built', async () => {
  const built = pathToFileURL(path.join(installed, 'dist/admin/page-files.js')).href;
  const program = path.join(folder, 'page.mjs');
  await writeFile(
    program,
    `import { readPageFiles } from ${JSON.stringify(built)};\nconsole.log(JSON.stringify([...readPageFiles().keys()]));`,
  );
  const { stdout } = await run(process.execPath, [program]);
  expect(JSON.parse(stdout).sort()).toEqual([...readPageFiles().keys()].sort());
});

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MEGABYTE = 1_048_576;

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The folders of everything that `npm install skewgate` brings with it, from the lock file. */
function dependenciesOf(packages: Readonly<Record<string, Locked>>): Set<string> {
  const found = new Set<string>();
  const visit = (at: string) => {
    const { dependencies, optionalDependencies } = packages[at] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const nested = `${at}/node_modules/${name}`.replace(/^\//, '');
      const place = nested in packages ? nested : `node_modules/${name}`;
      // Of what is built for each platform, only the one for this machine is there.
      if (found.has(place) || !existsSync(path.join(ROOT, place))) continue;
      found.add(place);
      visit(place);
    }
  };
  visit('');
  return found;
}

/** Bytes of all files below a folder, without what is installed in it. */
async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.parentPath.slice(folder.length).includes('node_modules'))
    .reduce((sum, file) => sum + statSync(path.join(file.parentPath, file.name)).size, 0);
}

test('a project that installs it carries no more than 76 packages and 27 MB, without the tools that build it', async () => {
  const { packages } = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
  const places = [...dependenciesOf(packages)];
  expect(places).toEqual(expect.arrayContaining(['node_modules/ws', 'node_modules/zod']));
  expect(places).not.toContain('node_modules/fast-check');
  // Most are of fastify, which is read only where a config has an admin side.
  expect(places.length).toBeLessThanOrEqual(75);
  const sizes = await Promise.all([installed, ...places.map((place) => path.join(ROOT, place))].map(sizeOf));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(27 * MEGABYTE);
});

test('every package that it brings is one that its sources import', async () => {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
  );
  const imported = new Set(readSources().flatMap(({ imports }) => imports.map(({ specifier }) => specifier)));
  const unused = Object.keys(dependencies).filter(
    (name) => ![...imported].some((specifier) => specifier === name || specifier.startsWith(`${name}/`)),
  );
  expect(unused).toEqual([]);
  // ws looks for it by itself.
  expect(Object.keys(optionalDependencies)).toEqual(['bufferutil']);
});
