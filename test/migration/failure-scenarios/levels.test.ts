/** Levels that have to be passed one after the other, that end sessions, and that went back. */
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeCodeOf } from '../../../src/wire/close.ts';
import { helloBytes } from '../../support/raw-client.ts';
import { FailureScenario, LEASE, onEachLedger } from './failure-scenario.ts';

onEachLedger('before 4.3', (start) => {
  test('PHOENIX-1483: [M4] the upgrade to 4.2 closes connected 4.1 clients with LOCKSTEP, at every gate, and refuses them from then on', async () => {
    const scenario = await start({ level: 3, servers: ['4.2.0', '4.2.0'] });
    const listen = [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }];
    const [gate, other] = await Promise.all([scenario.gate({ listen }), scenario.gate({ listen })]);
    const old = await Promise.all([gate.connect('4.1.0'), other.connect('4.1.0')]);
    const socket = new WebSocket(other.address(1));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(helloBytes('4.1.0'));
    await other.log.until('handshake', { listener: other.address(1), code: 'PERMITTED' });
    const closed = new Promise<[number, string]>((resolve) =>
      socket.once('close', (code, reason) => resolve([code, String(reason)])),
    );
    const ended = old.map((session) => new Promise((resolve) => session.resume().once('end', resolve)));
    const newer = await gate.connect('4.2.0');
    expect(newer.schemaLevel).toBe(4);
    await Promise.all(ended);
    const [code, reason] = await closed;
    expect(code).toBe(closeCodeOf('LOCKSTEP'));
    expect(reason).toMatch(/^LOCKSTEP: .*4\.2/);
    expect(await gate.log.until('session-end', { client: '4.1.0' })).toMatchObject({ reason: 'lockstep' });
    await other.log.until('session-end', { client: '4.1.0', reason: 'lockstep' }, 2);
    for (const each of [gate, other])
      expect(await each.refuse('4.1.0')).toMatchObject({
        code: 'LOCKSTEP',
        rule: 'M4',
        move: { side: 'client', to: '4.2' },
      });
    expect(newer.destroyed).toBe(false);
    expect(gate.log.of('session-end', { client: '4.2.0' })).toEqual([]);
    newer.destroy();
  });

  test('PHOENIX-2099, PHOENIX-2572: [M5] several minors are passed one by one, each once and in order', async () => {
    const scenario = await start({ level: 0, servers: ['4.2.1', '4.2.1'] });
    const hook = scenario.hook(FailureScenario.RAISE);
    scenario.letGo();
    const gate = await scenario.gate({ migration: { baseline: '4.0.0', hook } });
    const sessions = await Promise.all([gate.connect('4.2.1'), gate.connect('4.2.1')]);
    expect(
      scenario
        .work()
        .filter((line) => line.startsWith('begin'))
        .map((line) => line.split(' ').slice(1, 4).join(' ')),
    ).toEqual(['1 0 3', '1 3 5']);
    const done = (await scenario.history()).filter(({ what }) => what === 'step-done');
    expect(done.map(({ step, from, to, toLevel }) => [step, from, to, toLevel])).toEqual([
      [1, '4.0.0', '4.1.0', 3],
      [2, '4.1.0', '4.2.1', 5],
    ]);
    for (const session of sessions) session.destroy();
  });

  test('[M5] its gate is killed between two of three steps: the next goes on after the last completed one', async () => {
    const scenario = await start({ level: 18, servers: ['4.11.0', '4.11.0'] });
    const hook = scenario.hook(
      `if [ $SKEWGATE_TO_LEVEL = 25 ]; then while [ ! -e second.go ]; do [ -e alive ] || exit 9; sleep 0.02; done; fi; ${FailureScenario.RAISE}`,
    );
    scenario.letGo();
    const config = { migration: { hook }, catalogue: { hopByHopBelow: '5.0.0' } };
    const first = await scenario.process({ ...config, migration: { hook, lease: LEASE } });
    const cut = first.connect('4.11.0').catch((error: Error) => error.name);
    // The end of the first step's hook, and the beginning of the second's.
    await scenario.worked(3);
    await first.kill();
    await cut;
    scenario.letGo('second');
    const second = await scenario.gate(config);
    const session = await second.connect('4.11.0');
    expect(session.schemaLevel).toBe(27);
    expect(
      scenario
        .work()
        .filter((line) => line.startsWith('begin'))
        .map((line) => line.split(' ').slice(1, 4).join(' ')),
    ).toEqual(['1 18 20', '1 20 25', '2 25 27']);
    const done = (await scenario.history()).filter(({ what }) => what === 'step-done');
    expect(done.map(({ token, step, toLevel }) => [token, step, toLevel])).toEqual([
      [1, 1, 20],
      [2, 2, 25],
      [2, 3, 27],
    ]);
    session.destroy();
  });
});

onEachLedger('tables that went back', (start) => {
  test('a snapshot was restored: the ledger follows, records it, and the next newer client upgrades again', async () => {
    const scenario = await start();
    const gate = await scenario.gate();
    (await gate.connect('4.14.0')).destroy();
    await scenario.upgraded(28);
    scenario.tables.level = 27;
    const { record } = await scenario.until((view) => view.record.level === 27, 'the ledger to follow');
    expect(record).toMatchObject({ epoch: 2, token: 1, claim: null });
    expect((await scenario.history()).at(-1)).toMatchObject({
      what: 'level-went-back',
      fromLevel: 28,
      toLevel: 27,
    });
    const session = await gate.connect('4.14.0');
    expect(session.waitedMs).toBeGreaterThan(0);
    expect(scenario.tables.completed).toEqual([28, 28]);
    const running = (await scenario.history()).filter(({ what }) => what === 'running');
    // Work that is keyed by it is not taken for done already.
    expect(new Set(running.map(({ key }) => key)).size).toBe(2);
    expect(running.map(({ token }) => token)).toEqual([1, 2]);
    expect(gate.log.of('migration', { what: 'level-went-back' })).toHaveLength(1);
    session.destroy();
  });
});
