/** Clients of several patch releases bring one and the same upgrade: a hook that goes by the key does it once. */
import { expect, test } from 'vitest';
import { FailureScenario, onEachLedger } from './failure-scenario.ts';

onEachLedger('clients of two patch releases', (start) => {
  test('bring one attempt each: the hook sees one key and one target release, and so does the ledger', async () => {
    const scenario = await start({ servers: ['4.14.1', '4.14.1'] });
    scenario.letGo();
    const hook = scenario.hook(
      `echo $SKEWGATE_TO $SKEWGATE_KEY >> targets; [ $SKEWGATE_ATTEMPT != 1 ] || exit 3; ${FailureScenario.RAISE}`,
    );
    const gate = await scenario.gate({ migration: { hook, retry: { backOff: '2s' } } });
    expect((await gate.refuse('4.14.0')).code).toBe('UPGRADE_FAILED');
    const session = await scenario.comeBack(gate, '4.14.1', 'UPGRADE_FAILED');
    const key = `${scenario.cluster}/1/27-28/4.14.0`;
    expect(scenario.read('targets').trimEnd().split('\n')).toEqual([`4.14.0 ${key}`, `4.14.0 ${key}`]);
    const planned = (await scenario.history()).filter(({ what }) => what === 'planned');
    expect(planned.map(({ to, trigger }) => [to, trigger?.client])).toEqual([
      ['4.14.0', '4.14.0'],
      ['4.14.0', '4.14.1'],
    ]);
    expect((await scenario.upgraded(28)).record.release).toBe('4.14.0');
    session.destroy();
  });
});
