/** What is installed and published: from where, with what, and how one can see it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from './support/documents.ts';

const run = promisify(execFile);
const read = (file: string) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
const manifest = read('package.json');
const lock: { readonly packages: Record<string, { integrity?: string; resolved?: string; dev?: boolean }> } =
  read('package-lock.json');

/** Runs npm, whose status is not 0 where it found something. */
async function npm(...args: string[]): Promise<string> {
  return run('npm', args, { cwd: ROOT, maxBuffer: 64_000_000 }).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string }) => error.stdout,
  );
}

test('every package in the lock file is held by its hash, and comes from whatever registry npm is told', () => {
  const packages = Object.entries(lock.packages).filter(([name]) => name !== '');
  expect(packages.length).toBeGreaterThan(50);
  expect(
    packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([name]) => name),
  ).toEqual([]);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
});

test('what is published says where it was built', () => {
  expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
  expect(manifest.repository.url).toMatch(/^git\+https:/);
});

test('npm run sbom lists what users get, and marks what only the checkout needs', async () => {
  const { components } = JSON.parse(await npm('run', '--silent', 'sbom')) as {
    readonly components: ReadonlyArray<{ name: string; properties?: ReadonlyArray<{ name: string }> }>;
  };
  const names = components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
  const vitest = components.find(({ name }) => name === 'vitest');
  expect(vitest?.properties?.map(({ name }) => name)).toContain('cdx:npm:package:development');
});

const audit = JSON.parse((await npm('audit', '--json', '--omit', 'dev')) || '{}') as {
  readonly metadata?: { readonly vulnerabilities: { readonly total: number } };
};
const noAudit = audit.metadata === undefined;

test.skipIf(noAudit)(
  `npm audit knows nothing bad of what users get${noAudit ? ' (skipped: the registry does not answer audits)' : ''}`,
  () => {
    expect(audit.metadata?.vulnerabilities.total).toBe(0);
  },
);
