/** What the README shows of `skewgate explore`: it takes too long for the fast suite. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCli } from './support/cli.ts';
import { tempFolder } from './support/folder.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const [, file = '', seed = '', output = ''] =
  /^\$ npx skewgate explore (\S+) --seed (\d+)\n(.*?)^```$/ms.exec(README) ?? [];

test("the fleet on Phoenix's mutex: the double upgrade is found and shrunk as the README says", async () => {
  const { status, stdout } = await runCli(['explore', path.join(ROOT, file), '--seed', seed], {
    cwd: tempFolder(),
    timeoutMs: 120_000,
  });
  expect(status).toBe(1);
  for (const part of output.split('…')) expect(stdout).toContain(part.trim());
});
