/** The shipped scenarios pass with real processes and sockets too. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { scenarioFiles } from '../../support/scenarios.ts';

const LONGEST = 90_000;

test.each(scenarioFiles.map((file) => [path.basename(file), file]))(
  '%s',
  async (_name, file) => {
    const { status, stdout, stderr } = await runCli(['test', '--real', file], { timeoutMs: LONGEST });
    expect(stdout).toMatch(/^passed .* of real time/m);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
  LONGEST,
);
