/** `skewgate migration` on a ledger that is not the only one, or that can't go on. */
import { expect, onTestFinished, test } from 'vitest';
import { Ledger } from '../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../src/migration/ledger/sqlite.ts';
import { realClock } from '../../src/runtime/clock.ts';
import { runCli } from '../support/cli.ts';
import { tempFolder } from '../support/folder.ts';
import { claimed, finish, requestOf } from '../support/ledger.ts';

function ledgerHere() {
  const file = `${tempFolder()}/ledger.db`;
  const store = new SqliteStore({ file, clock: realClock });
  onTestFinished(() => store.close());
  const run = async (...args: string[]) =>
    (await runCli(['migration', ...args, '--ledger', `sqlite:${file}`])).stdout;
  return { ledger: new Ledger(store, 'main', realClock), run };
}

test('the status names other ledgers that upgrade the same servers and what to do, until this one is accepted', async () => {
  const { ledger, run } = ledgerHere();
  await ledger.observe(27, '4.11.0', 'gate-a', null);
  await ledger.recordForeign([{ id: 'another', token: 3 }], 'gate-a');
  expect(await run('status')).toMatch(
    /^idle: .*\n[\s\S]*Another ledger upgrades the same servers: another, with token 3 \(noticed by gate-a\)\..* accept-ledger/,
  );
  expect(await run('history')).toContain('under token 3 of another ledger, another');
  expect(await run('accept-ledger', '--by', 'olga')).not.toMatch(/Another ledger|Nothing to do/);
  expect((await ledger.read()).record).toMatchObject({ foreign: [], replaced: ['another'] });
});

test('a ledger that has given the last token: the status says that it takes a new one', async () => {
  const { ledger, run } = ledgerHere();
  const last = requestOf('gate-a', '4.0.0', '4.2.0', Number.MAX_SAFE_INTEGER - 1);
  await finish(claimed(await ledger.claim(last, 60_000)));
  expect(await run('status')).toMatch(/^exhausted: .*give all gates a new one/);
});
