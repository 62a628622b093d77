/** Who can write to the ledger's store can plant an upgrade that a gate seems to have left: it runs nothing of theirs. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { realEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';
import { claimed, requestOf } from '../../support/ledger.ts';

test('a script that only the ledger names is not run, and the attempt fails and says so', async () => {
  const folder = tempFolder();
  writeFileSync(path.join(folder, 'planted.sh'), '#!/bin/sh\ntouch owned\n', { mode: 0o755 });
  writeFileSync(path.join(folder, 'hook.mjs'), 'export default async () => {};');
  const store = new MemoryStore(realEnvironment.clock);
  const request = requestOf('gone', '4.13.0', '4.14.0');
  const runs = request.plan.runs.map((run) => ({ ...run, script: './planted.sh' }));
  claimed(
    await new Ledger(store, 'main', realEnvironment.clock).claim(
      { ...request, plan: { ...request.plan, runs } },
      1,
    ),
  );
  await using fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }],
    store,
    folder,
    migration: { baseline: '4.13.0', hook: { module: 'hook.mjs' }, retry: { attempts: 1 } },
  });
  const refused = await fleet.refuse('4.14.0');
  expect(refused.code).toBe('UPGRADE_FAILED');
  expect(refused.message).toContain(
    'names the script "./planted.sh", which the catalogue of this gate does not',
  );
  expect(existsSync(path.join(folder, 'owned'))).toBe(false);
});
