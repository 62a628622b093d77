/** The default hook: an upgraded server brings the tables on, in a process of its own. And major upgrades. */
import { describe, expect, test } from 'vitest';
import { openTables } from '../../../src/server/tables.ts';
import { startCli } from '../../support/program.ts';
import { FailureScenario, type GateInput, LEASE, onEachLedger } from './failure-scenario.ts';

/** Simulated servers in processes of their own, on tables that 4.13 left. */
async function startServers(scenario: FailureScenario, times: readonly string[]) {
  const programs = times.map((time, at) => {
    const options = {
      version: '4.14.0',
      id: `p${at}`,
      tables: scenario.file('tables.db'),
      'tables-release': '4.13.0',
      'upgrade-time': time,
    };
    return startCli(['server', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])]);
  });
  return Promise.all(
    programs.map(async (program, at) => {
      const [, address] = await program.waitFor(/ on (tcp:\S+?),/);
      return { id: `p${at}`, address: address as string, program };
    }),
  );
}

onEachLedger('servers in processes of their own', (start) => {
  test('the gate is killed while a server upgrades; the next gate finishes it once, the tables know one token at a time', async () => {
    const scenario = await start({ servers: [] });
    const servers = await startServers(scenario, ['800ms', '800ms']);
    scenario.others = servers.map(({ id, address }) => ({ id, address }));
    const first = await scenario.process({ migration: { lease: LEASE } });
    const cut = first.connect('4.14.0').catch((error: Error) => error.name);
    await scenario.until(({ record }) => (record.claim?.progress?.done ?? 0) > 0, 'progress on record');
    await first.kill();
    await cut;
    const second = await scenario.process();
    const sessions = await Promise.all([second.connect('4.14.0'), second.connect('4.14.0')]);
    expect(new Set(sessions.map(({ schemaLevel }) => schemaLevel))).toEqual(new Set([28]));
    await scenario.upgraded(28);
    expect(await scenario.count('step-done')).toBe(1);
    expect(await scenario.count('done')).toBe(1);
    const tables = openTables(scenario.file('tables.db'), 0);
    expect(tables.level).toBe(28);
    expect(tables.token).toBeLessThanOrEqual(2);
    tables.close();
    for (const session of sessions) session.destroy();
  });

  test('the server that upgrades is killed: the failure is said, and the next attempt goes to another server', async () => {
    const scenario = await start({ servers: [] });
    const servers = await startServers(scenario, ['8s', '300ms']);
    scenario.others = servers.map(({ id, address }) => ({ id, address }));
    const gate = await scenario.gate({ migration: { retry: { backOff: '100ms' } } });
    const client = gate.refuse('4.14.0');
    const { record } = await scenario.until(
      (view) => (view.record.claim?.progress?.done ?? 0) > 0,
      'progress on record',
    );
    expect(record.claim?.progress?.text).toMatch(/upgrading the system tables to 4\.14\.0/);
    servers[0]?.program.signal('SIGKILL');
    const refused = await client;
    expect(refused).toMatchObject({ code: 'UPGRADE_FAILED' });
    expect(refused.message).toMatch(/p0/);
    expect(await scenario.count('failed')).toBe(1);
    // p0 counts with its last known version: the cluster is still wholly upgraded.
    const session = await scenario.comeBack(gate, '4.14.0', 'UPGRADE_FAILED');
    expect(session.schemaLevel).toBe(28);
    expect(session.server.id).toBe('p1');
    expect((await scenario.upgraded(28)).record).toMatchObject({ token: 2, failure: null });
    session.destroy();
  });
});

/** Servers on 5.0, which needs a level of its own and accepts 4.14 clients. */
function major(demands: Record<string, unknown>): GateInput {
  return {
    catalogue: { releases: [{ version: '5.0.0', level: 30, accepts: ['4.14'], major: demands }] },
  };
}

onEachLedger('[J1] a major upgrade', (start) => {
  test('that needs downtime drains the sessions of every gate first, and refuses everybody until it is done', async () => {
    const scenario = await start({ level: 28, servers: ['5.0.0', '5.0.0'], unchecked: true });
    const config = {
      ...major({ downtime: true, script: './script.sh' }),
      migration: { baseline: '4.14.0', hook: scenario.hook(FailureScenario.RAISE), drain: '700ms' },
    };
    scenario.hook('true', 'script');
    const [gate, other] = await Promise.all([scenario.gate(config), scenario.gate(config)]);
    const old = await Promise.all([gate.connect('4.14.0'), other.connect('4.14.0')]);
    const ended = old.map((session) => new Promise((resolve) => session.resume().once('end', resolve)));
    const bringer = gate.refuse('5.0.0');
    await Promise.all(ended);
    // Sessions are gone before anything is changed.
    expect(scenario.work('script')).toEqual([]);
    expect(scenario.work()).toEqual([]);
    expect(await gate.log.until('session-end')).toMatchObject({ reason: 'downtime', client: '4.14.0' });
    expect(await other.log.until('session-end')).toMatchObject({ reason: 'downtime', client: '4.14.0' });
    expect((await bringer).code).toBe('DOWNTIME_REQUIRED');
    await scenario.worked(1, 'script');
    expect(scenario.work()).toEqual([]);
    for (const each of [gate, other])
      for (const version of ['4.14.0', '5.0.0'])
        expect(await each.refuse(version)).toMatchObject({
          code: 'DOWNTIME_REQUIRED',
          rule: 'J1',
          transient: true,
        });
    scenario.letGo('script');
    await scenario.worked(1);
    expect(scenario.work('script')).toHaveLength(2);
    scenario.letGo();
    await scenario.upgraded(30);
    const newer = await scenario.comeBack(other, '5.0.0', 'DOWNTIME_REQUIRED');
    const older = await scenario.comeBack(gate, '4.14.0', 'DOWNTIME_REQUIRED');
    expect(newer.schemaLevel).toBe(30);
    expect(await scenario.count('done')).toBe(1);
    for (const session of [newer, older]) session.destroy();
  });

  test('that no catalogue entry allows is not run: an operator is told what is missing, older clients are served', async () => {
    const scenario = await start({ level: 28, servers: ['5.1.0', '5.1.0'] });
    const gate = await scenario.gate({ migration: { baseline: '4.14.0', hook: scenario.hook() } });
    const refused = await gate.refuse('5.1.0');
    const remedy = 'give release 5.0.0 an entry "major"';
    expect(refused).toMatchObject({ code: 'UPGRADE_REQUIRED', move: { side: 'operator', to: remedy } });
    expect(refused.message).toContain(remedy);
    expect(refused.message).not.toContain('approve');
    expect(scenario.work()).toEqual([]);
    expect(await scenario.count('planned')).toBe(0);
  });
});

describe('no server can run it', () => {
  test('servers keep no tables and no hook is named: it fails with what is missing', async () => {
    const scenario = await FailureScenario.start('sqlite:ledger.db', { reporting: false });
    const gate = await scenario.gate({ migration: { baseline: '4.13.0', retry: { attempts: 1 } } });
    const refused = await gate.refuse('4.14.0');
    expect(refused.code).toBe('UPGRADE_FAILED');
    expect(refused.message).toMatch(/no server .*keeps system tables/);
    (await gate.connect('4.13.0')).destroy();
  });
});
