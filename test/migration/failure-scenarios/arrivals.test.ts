/** Many at once, or one after the other: each upgrade runs once. */
import { expect, test } from 'vitest';
import { onEachLedger } from './failure-scenario.ts';

onEachLedger('the upgrade runs once', (start) => {
  test('PHOENIX-3230: 50 newer clients in one tick bring one run; all are admitted, none half-way', async () => {
    const scenario = await start();
    const gate = await scenario.gate({ migration: { hold: { ramp: 1_000 } } });
    const sessions = await Promise.all(Array.from({ length: 50 }, () => gate.connect('4.14.0')));
    expect(scenario.tables.completed).toEqual([28]);
    expect(new Set(sessions.map(({ schemaLevel }) => schemaLevel))).toEqual(new Set([28]));
    expect(gate.log.codes).toEqual(Array.from({ length: 50 }, () => 'PERMITTED'));
    for (const kind of ['planned', 'running', 'step-done', 'done'] as const)
      expect(await scenario.count(kind)).toBe(1);
    expect((await scenario.ledger.read()).record).toMatchObject({
      level: 28,
      token: 1,
      claim: null,
      failure: null,
    });
    for (const session of sessions) session.destroy();
  });

  test('three gates on one ledger, 10 newer clients at each in one tick: one run, all admitted', async () => {
    const scenario = await start();
    const gates = await Promise.all([scenario.gate(), scenario.gate(), scenario.gate()]);
    const sessions = await Promise.all(
      gates.flatMap((gate) => Array.from({ length: 10 }, () => gate.connect('4.14.0'))),
    );
    expect(scenario.tables.completed).toEqual([28]);
    expect(await scenario.count('running')).toBe(1);
    expect(await scenario.count('step-done')).toBe(1);
    expect(await scenario.count('done')).toBe(1);
    expect(new Set(sessions.map(({ schemaLevel }) => schemaLevel))).toEqual(new Set([28]));
    const log = gates.flatMap(({ log }) => log.of('migration'));
    expect(log.filter(({ what }) => what === 'started')).toHaveLength(1);
    expect(log.filter(({ what }) => what === 'foreign-ledger')).toEqual([]);
    for (const session of sessions) session.destroy();
  });

  test('PHOENIX-3435: 4.9, 4.10 and 4.11 in turn on one ledger; the lock of one does not stop the next', async () => {
    const scenario = await start({ level: 18, servers: ['4.8.0', '4.8.0'] });
    const gate = await scenario.gate();
    for (const [version, level] of [
      ['4.9.0', 20],
      ['4.10.0', 25],
      ['4.11.0', 27],
    ] as const) {
      for (const server of scenario.servers) await server.restart({ version });
      const first = await gate.connect(version);
      const second = await gate.connect(version);
      expect(first.schemaLevel).toBe(level);
      expect(second.waitedMs).toBe(0);
      await scenario.upgraded(level);
      for (const session of [first, second]) session.destroy();
    }
    expect(scenario.tables.completed).toEqual([20, 25, 27]);
    const done = (await scenario.history()).filter(({ what }) => what === 'done');
    expect(done.map(({ to, token }) => [to, token])).toEqual([
      ['4.9.0', 1],
      ['4.10.0', 2],
      ['4.11.0', 3],
    ]);
  });

  test('Phoenix 7c52cd70: the lock record vanishes between runs; once an operator accepts that the next upgrade runs once, its token is higher, the past is not forgotten', async () => {
    const scenario = await start();
    const gate = await scenario.gate();
    (await gate.connect('4.14.0')).destroy();
    await scenario.upgraded(28);
    const before = await scenario.history();
    await scenario.loseRecord();
    await gate.log.until('migration', { what: 'ledger-doubted' });
    await scenario.ledger.accept({ by: 'olga', reason: 'it was deleted by mistake' });
    for (const server of scenario.servers) await server.restart({ version: '4.15.0' });
    await gate.log.until('migration', { what: 'ledger-accepted' });
    const sessions = await Promise.all([gate.connect('4.15.0'), gate.connect('4.15.0')]);
    await scenario.upgraded(29);
    expect(scenario.tables.completed).toEqual([28, 29]);
    expect((await scenario.ledger.read()).record.token).toBe(2);
    const history = await scenario.history();
    expect(history.slice(0, before.length)).toEqual(before);
    expect(history.filter(({ what }) => what === 'done').map(({ token }) => token)).toEqual([1, 2]);
    // It was this ledger that gave the token which the servers know.
    for (const session of sessions) session.destroy();
  });

  test('liquibase 4698: who waited for the claim reads again once it has it, and does not run it again', async () => {
    // Servers report no level: only the ledger can tell that it is done.
    const scenario = await start({ reporting: false });
    const migration = { baseline: '4.13.0', hook: scenario.hook() };
    const gates = await Promise.all([
      scenario.gate({ migration }),
      scenario.gate({ migration }),
      scenario.gate({ migration }),
    ]);
    const clients = gates.flatMap((gate) => [gate.connect('4.14.0'), gate.connect('4.14.0')]);
    await scenario.worked(1);
    scenario.letGo();
    const sessions = await Promise.all(clients);
    // Gates that lost the race come with a plan that is out of date.
    await Promise.all(gates.map((gate) => gate.connect('4.14.0').then((session) => sessions.push(session))));
    expect(scenario.work()).toEqual([
      expect.stringMatching(/^begin 1 27 28 /),
      expect.stringMatching(/^end 1 27 28 /),
    ]);
    expect(await scenario.count('running')).toBe(1);
    expect(await scenario.count('done')).toBe(1);
    for (const session of sessions) session.destroy();
  });
});
