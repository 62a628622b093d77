/** The hook that is asked whether a step is done already: yes, no, and no answer. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../../src/migration/ledger/memory.ts';
import { checkHistory } from '../../support/check-history.ts';
import { realEnvironment } from '../../support/environment.ts';
import { tempFolder } from '../../support/folder.ts';
import { startFleet } from '../../support/gate.ts';

/** A gate whose hook leaves a mark when it runs; on real time, as commands are. */
async function withCheck(check: string | null) {
  const folder = tempFolder();
  const mark = path.join(folder, 'ran');
  const modules = {
    hook: `import { writeFileSync } from 'node:fs'; export default () => writeFileSync(${JSON.stringify(mark)}, '');`,
    ...(check !== null && { check: `export default () => { ${check} };` }),
  };
  for (const [name, text] of Object.entries(modules)) writeFileSync(`${folder}/${name}.mjs`, text);
  const store = new MemoryStore(realEnvironment.clock);
  const migration = {
    baseline: '4.13.0',
    hook: { module: 'hook.mjs' },
    check: check === null ? { command: ['./not-there'] as [string] } : { module: 'check.mjs' },
    retry: { attempts: 1 },
  };
  const fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }],
    store,
    folder,
    migration,
  });
  return { fleet, store, ran: () => existsSync(mark) };
}

test.each([
  ['yes: it is on record, and the hook does not run', '', false],
  ['no: the hook runs', 'throw new Error("not yet")', true],
])('%s', async (_what, check, runs) => {
  const { fleet, store, ran } = await withCheck(check);
  await using _stopped = fleet;
  (await fleet.admit('4.14.0')).destroy();
  expect(ran()).toBe(runs);
  const history = await store.history('main');
  checkHistory(history);
  expect(history.filter(({ what }) => what === 'done')).toHaveLength(1);
});

test('no answer: the hook does not run on a guess; who needs the upgrade is told, others are served', async () => {
  const { fleet, store, ran } = await withCheck(null);
  await using _stopped = fleet;
  const refused = await fleet.refuse('4.14.0');
  expect(refused).toMatchObject({
    code: 'UPGRADE_FAILED',
    message: expect.stringMatching(/nobody can say whether the step to 4\.14\.0 is done: .*not-there/),
  });
  (await fleet.admit('4.13.0')).destroy();
  expect(ran()).toBe(false);
  expect((await store.history('main')).map(({ what }) => what)).not.toContain('done');
});
