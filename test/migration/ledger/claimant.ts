/**
 * A gate's process as far as the ledger goes: for each `FILE` line on standard input it claims there and prints
 * `won TOKEN`, the denial, or the error. It keeps what it won, and renews nothing.
 */
import { createInterface } from 'node:readline';
import { HeldClaim } from '../../../src/migration/ledger/held-claim.ts';
import { Ledger } from '../../../src/migration/ledger/ledger.ts';
import { SqliteStore } from '../../../src/migration/ledger/sqlite.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { requestOf } from '../../support/ledger.ts';

const LEASE = 60_000;

console.log('ready');
for await (const file of createInterface({ input: process.stdin })) {
  const ledger = new Ledger(new SqliteStore({ file, clock: realClock }), 'main', realClock);
  try {
    const outcome = await ledger.claim(requestOf(`process-${process.pid}`), LEASE);
    console.log(outcome instanceof HeldClaim ? `won ${outcome.token}` : outcome);
  } catch (error) {
    console.log(String(error));
  }
}
