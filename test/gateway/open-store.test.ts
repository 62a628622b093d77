/** A store that a gate opened for itself is closed with it; one that it was given is not. */
import { readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { buildGate } from '../../src/gateway/build.ts';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../src/migration/ledger/sqlite.ts';
import { realEnvironment } from '../support/environment.ts';
import { tempFolder } from '../support/folder.ts';
import { OPERATOR } from '../support/ledger.ts';
import { CollectedLog } from '../support/log.ts';

/** Whether this process has the file open. */
function isOpen(file: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  });
}

test.each([true, false])('when the gate stops, the ledger that it opened (%s) is let go', async (opens) => {
  const folder = tempFolder();
  const file = path.join(folder, 'ledger.db');
  const store = new SqliteStore({ file, clock: realEnvironment.clock });
  await new Ledger(store, 'main', realEnvironment.clock).block(OPERATOR, null);
  if (opens) await store.close();
  const { gate } = buildGate(
    configSchema.parse({
      listen: [{ tcp: '127.0.0.1:0' }],
      servers: [{ id: 's1', address: 'tcp://127.0.0.1:1' }],
      migration: { ledger: 'sqlite:ledger.db' },
    }),
    {
      ...realEnvironment,
      folder,
      stdout: new CollectedLog().stream,
      say: () => {},
      ...(!opens && { store }),
    },
  );
  await gate.start();
  expect(isOpen(file)).toBe(true);
  await gate.stop(0);
  expect(isOpen(file)).toBe(!opens);
  await store.close();
});
