/** Gates whose clocks are wrong: what operators state in time ends by the ledger's clock. */
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/migration/ledger/registry.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { realClock } from '../../../src/runtime/clock.ts';
import { realEnvironment } from '../../support/environment.ts';
import { startFleet } from '../../support/gate.ts';
import { OPERATOR } from '../../support/ledger.ts';
import { onEachLedger } from './failure-scenario.ts';

const HOUR = 3_600_000;

onEachLedger('a gate whose clock is wrong', (start) => {
  test.for([
    ['two hours ahead', 2 * HOUR, 'ahead of'],
    ['two hours behind', -2 * HOUR, 'behind'],
  ] as const)('%s: a block of an hour holds for an hour, and the skew is said', async ([, skew, words]) => {
    const scenario = await start();
    const clock: Clock = { ...realClock, now: () => realClock.now() + skew };
    const store = openStore(scenario.url, { folder: scenario.folder, clock });
    onTestFinished(() => store.close());
    await scenario.ledger.block(OPERATOR, Date.now() + HOUR);
    await using gate = await startFleet(
      { ...realEnvironment, clock },
      {
        ...scenario.config(),
        others: scenario.servers.map(({ id, address }) => ({ id, address })),
        folder: scenario.folder,
        store,
      },
    );
    const refused = await gate.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_BLOCKED');
    expect(refused.retryAfterMs).toBeGreaterThan(HOUR - 60_000);
    expect(refused.retryAfterMs).toBeLessThan(HOUR + 60_000);
    const said = await gate.log.until('migration', { what: 'clock-skew' });
    expect(Math.abs((said.aheadMs as number) - skew)).toBeLessThan(5_000);
    expect(gate.said.filter((line) => line.includes(`s ${words}`))).toHaveLength(1);
    expect(scenario.tables.token).toBe(0);
    await scenario.ledger.unblock(OPERATOR);
    (await scenario.comeBack(gate, '4.14.0', 'UPGRADE_BLOCKED')).destroy();
  });
});
