/** examples/own-tests as its reader has it: the built package, its public exports, node --test. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, installPackage } from '../support/installed.ts';

const EXAMPLE = path.join(import.meta.dirname, '../../examples/own-tests');
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'skewgate-own-tests-'));
  await cp(EXAMPLE, folder, { recursive: true, filter: (file) => path.basename(file) !== 'node_modules' });
  const installed = await installPackage(folder);
  for (const name of ['@types', 'vitest'])
    await symlink(path.join(installed, 'node_modules', name), path.join(folder, 'node_modules', name));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test('the example passes', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], {
    cwd: folder,
    env,
    timeout: 20_000,
  });
  expect(stdout).toMatch(/^# pass 4$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});

const TYPED = `
import { expect } from 'vitest';
import { type ReceivedDecision, type Fleet, matchers, type RefusedError, startFleet } from 'skewgate/testing';
import type {} from 'skewgate/testing/vitest';
import type {} from 'skewgate/testing/jest';

expect.extend(matchers);
const fleet: Fleet = await startFleet({ servers: ['4.14.2', { version: '4.15.0', id: 'new' }], policy: { window: 1 } });
const decision: ReceivedDecision = await fleet.attempt('4.15.0', { over: 'ws' });
expect(decision).toBeRefused('SERVER_OUTDATED');
expect(decision).not.toMove({ side: 'client', to: '4.14' });
await expect(fleet.attempt('4.14.0')).resolves.toBeAdmitted();
// @ts-expect-error: no such code
expect(decision).toBeRefused('SERVER_OUTDATD');
// @ts-expect-error: no such option
await startFleet({ servers: [], polcy: 'phoenix' });
declare const inJest: jest.Matchers<void, ReceivedDecision>;
inJest.toBeRefused('LOCKSTEP');
export const kept: RefusedError | null = null;
await fleet.close();
`;

test('its types hold for a program of somebody else, with matchers for vitest and jest', async () => {
  const program = path.join(folder, 'typed.mts');
  await writeFile(program, TYPED);
  await compile([
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    ...['--target', 'es2024', '--lib', 'es2024,esnext.disposable', '--module', 'nodenext', '--types', 'node'],
    ...['--rootDir', folder, program],
  ]);
});

test('a test runner is not needed at run time, and the type entries are empty', async () => {
  await rm(path.join(folder, 'node_modules/vitest'));
  const program = path.join(folder, 'bare.mjs');
  await writeFile(
    program,
    `import { matchers } from 'skewgate/testing';
     const empty = [await import('skewgate/testing/vitest'), await import('skewgate/testing/jest')];
     console.log(Object.keys(matchers).join(), empty.flatMap(Object.keys).length);`,
  );
  const { stdout } = await run(process.execPath, [program]);
  expect(stdout).toBe('toBeAdmitted,toBeRefused,toMove 0\n');
});
