/** Real servers that are away just as a real hook ends, on each ledger: what they said before is no answer. */
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { FailureScenario, onEachLedger } from './failure-scenario.ts';

onEachLedger('servers restart as the hook ends', (start) => {
  test('the step counts as done once they are back, is not run again, and whoever waited is admitted', async () => {
    const scenario = await start();
    // The hook ends only when all servers are gone.
    const work = `${FailureScenario.RAISE}; touch raised; while [ ! -e gone ]; do [ -e alive ] || exit 9; sleep 0.02; done`;
    const gate = await scenario.process({ migration: { hook: scenario.hook(work) } });
    let notices = 0;
    const held = gate.connect('4.14.0', { onWait: () => notices++ });
    held.catch(() => {});
    scenario.letGo();
    await eventually(() => scenario.exists('raised'), 'the hook to have done its work');
    await Promise.all(scenario.servers.map((server) => server.stop()));
    scenario.touch('gone');
    await scenario.worked(2);
    // Asked again and again meanwhile: the client hears once a second that it waits.
    const before = notices;
    await eventually(() => notices >= before + 3, 'the client to be told that it waits');
    expect(await scenario.count('failed')).toBe(0);
    for (const server of scenario.servers) await server.restart();
    (await held).destroy();
    expect((await scenario.upgraded(28)).record.token).toBe(1);
    expect(scenario.work()).toHaveLength(2);
    expect(await scenario.count('failed')).toBe(0);
    expect(await scenario.count('done')).toBe(1);
  });
});
