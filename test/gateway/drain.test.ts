/** `drain` and `undrain` of a server, a listener, client releases and the gate; what goes on, what ends, what is on record. */
import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/client/session.ts';
import type { Target } from '../../src/gateway/orders.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { type Fleet, type FleetOptions, startFleet } from '../support/gate.ts';

const ANN = { by: 'ann', reason: 'a new disk' };
const S1: Target = { kind: 'server', id: 's1' };
const OLD: Target = { kind: 'clients', range: '<4.14' };

async function start(options: FleetOptions = {}) {
  const world = virtualEnvironment();
  const fleet = await startFleet(world, {
    servers: [{ version: '4.14.0' }, { version: '4.14.0' }],
    timeouts: { hold: '30s', probe: '5s' },
    ...options,
  });
  return { world, fleet, operations: fleet.gate.operations };
}

async function admit(fleet: Fleet, ...versions: string[]): Promise<Session[]> {
  const sessions: Session[] = [];
  for (const version of versions) {
    const session = await fleet.admit(version);
    session.resume();
    sessions.push(session);
  }
  return sessions;
}

const endings = (fleet: Fleet) => fleet.log.of('session-end').map(({ session, reason }) => [session, reason]);

describe('a drained server', () => {
  test('gets no new session, while the others do; its sessions end evenly over the time, those of others go on', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    const sessions = await admit(fleet, ...Array.from({ length: 8 }, () => '4.14.0'));
    const mine = sessions.filter(({ server }) => server.id === 's1');
    expect(mine).toHaveLength(4);
    const from = world.clock.now();
    const draining = operations.drain({ ...ANN, target: S1, overMs: 40_000 });
    const ended = () => fleet.log.of('session-end').length;
    const progress: unknown[] = [];
    for (const at of [9_900, 10_100, 19_900, 20_100, 39_900]) {
      await world.clock.run(at - (world.clock.now() - from));
      progress.push([ended(), operations.list()[0]?.left]);
    }
    expect(progress).toEqual([
      [0, 4],
      [1, 3],
      [1, 3],
      [2, 2],
      [3, 1],
    ]);
    const effect = await world.finish(draining);
    expect(world.clock.now() - from).toBeLessThan(40_100);
    expect(effect).toMatchObject({
      what: 'drain',
      done: true,
      waitsFor: null,
      sessions: 4,
      details: { left: 0 },
    });
    expect(endings(fleet)).toEqual(mine.map(({ id }) => [id, 'drained']));
    expect(fleet.log.of('session-end')[0]).toMatchObject({
      code: 'DRAINING',
      message: 'An operator drains server s1 (a new disk).',
    });
    const later = await admit(fleet, '4.14.0', '4.14.0', '4.14.0');
    expect(later.map(({ server }) => server.id)).toEqual(['s2', 's2', 's2']);
    expect(fleet.gate.status().servers).toMatchObject([
      { id: 's1', state: 'draining' },
      { id: 's2', state: 'up' },
    ]);
    for (const session of [...sessions, ...later]) session.destroy();
  });

  test('gets no client that was on its way to it', async () => {
    const { world, fleet, operations } = await start({ servers: [{ version: '4.14.0' }] });
    await using _ = fleet;
    const coming = fleet.connect('4.14.0');
    await world.clock.run(2);
    await operations.drain({ ...ANN, target: S1 });
    await world.clock.run(5_000);
    expect(fleet.gate.status()).toMatchObject({ sessions: 0, heldFor: { server: 1 } });
    expect(fleet.server(0).opened).toEqual([]);
    await operations.undrain({ ...ANN, target: S1 });
    (await world.finish(coming)).destroy();
    expect(fleet.log.handshakes).toMatchObject([{ code: 'PERMITTED', server: 's1' }]);
  });

  test('is drained still when it comes back after a restart, and its version counts for the window', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    await operations.drain({ ...ANN, target: S1 });
    await fleet.server(0).restart({ version: '4.13.0' });
    await world.clock.run(6_000);
    expect(fleet.gate.status().servers[0]).toMatchObject({ state: 'draining', version: '4.13.0' });
    const refused = await fleet.refuse('4.14.0');
    expect(refused.code).toBe('SERVER_OUTDATED');
  });

  test('takes sessions again once it is not drained any more, and those that had not ended go on', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    const sessions = await admit(fleet, '4.14.0', '4.14.0', '4.14.0', '4.14.0');
    const draining = operations.drain({ ...ANN, target: S1, overMs: 20_000 });
    await world.clock.run(11_000);
    const effect = await operations.undrain({ by: 'bob', reason: 'no, wait', target: S1 });
    expect(effect).toMatchObject({ what: 'undrain', done: true, waitsFor: null });
    expect(effect.sentence).toBe('Server s1: not drained any more; 1 session that was still to end goes on.');
    expect(await draining).toMatchObject({ done: false, waitsFor: null });
    await world.clock.run(60_000);
    expect(fleet.gate.status()).toMatchObject({ sessions: 3, servers: [{ state: 'up' }, { state: 'up' }] });
    expect(operations.list()).toEqual([]);
    const [next] = await admit(fleet, '4.14.0');
    expect(next?.server.id).toBe('s1');
    for (const session of [...sessions, next]) session?.destroy();
  });

  test('keeps its sessions where nobody says over which time they are to end, and says what it waits for', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    const [one, two] = await admit(fleet, '4.14.0', '4.14.0');
    const effect = await operations.drain({ ...ANN, target: S1, overMs: null });
    expect(effect).toMatchObject({
      done: false,
      waitsFor: '1 session to end',
      details: { left: 1, overMs: null },
    });
    await world.clock.run(600_000);
    expect(fleet.gate.status().sessions).toBe(2);
    one?.destroy();
    await world.clock.run(100);
    expect(fleet.log.of('operator').map(({ stage, sessions }) => [stage, sessions])).toEqual([
      ['begun', 1],
      ['done', 1],
    ]);
    two?.destroy();
  });

  test('is no other one: a name that is none of a server is refused, and nothing is ordered', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    await expect(operations.drain({ ...ANN, target: { kind: 'server', id: 's3' } })).rejects.toMatchObject({
      name: 'OperationError',
      isMissing: true,
      message: 'There is no server "s3": there is s1, s2.',
    });
    expect(operations.list()).toEqual([]);
    expect(fleet.log.of('operator')).toEqual([]);
  });
});

describe('drained client releases', () => {
  test('end evenly, the oldest release first, and new ones are told what to move to', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    const [a, b, c, d] = await admit(fleet, '4.13.2', '4.14.0', '4.12.0', '4.13.0');
    const draining = operations.drain({ ...ANN, target: OLD, overMs: 30_000 });
    const { decision } = await fleet.refuse('4.13.1');
    expect(decision).toMatchObject({
      code: 'RELEASE_DRAINED',
      retry: 'after-change',
      move: { side: 'client', to: '4.14', who: ['4.13.1'] },
      message: 'An operator has clients of <4.14 moved on (a new disk): upgrade them to 4.14.',
    });
    const next = await fleet.admit('4.14.1');
    await world.finish(draining);
    expect(endings(fleet)).toEqual([c, d, a].map((session) => [session?.id, 'drained']));
    expect(fleet.log.of('session-end')[0]).toMatchObject({ code: 'RELEASE_DRAINED' });
    expect(fleet.gate.status().sessions).toBe(2);
    await operations.undrain({ ...ANN, target: OLD });
    const again = await fleet.admit('4.13.1');
    for (const session of [b, next, again]) session?.destroy();
  });

  test('a range that is none is refused', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    for (const range of ['', '   ', 'old ones', '<', 'x'.repeat(1_000)])
      await expect(operations.drain({ ...ANN, target: { kind: 'clients', range } })).rejects.toMatchObject({
        name: 'OperationError',
      });
    expect(operations.list()).toEqual([]);
  });

  test('where no release would do, clients are told to be another one', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    await operations.drain({ ...ANN, target: { kind: 'clients', range: '*' } });
    const { decision } = await fleet.refuse('4.14.0');
    expect(decision).toMatchObject({
      code: 'RELEASE_DRAINED',
      move: { side: 'client', to: 'a release outside *' },
    });
  });
});

describe('a drained gate', () => {
  test('stays up, says so, refuses who comes or waits, ends its sessions, and goes on when that is taken back', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    await admit(fleet, '4.14.0', '4.13.0');
    await operations.pause(ANN);
    const held = fleet.connect('4.14.0').catch(({ code }) => code);
    await world.clock.run(100);
    const effect = await world.finish(operations.drain({ ...ANN, target: { kind: 'gate' }, overMs: 5_000 }));
    expect(effect).toMatchObject({
      done: true,
      sessions: 2,
      details: { clients: { '4.13.0': 1, '4.14.0': 1 } },
    });
    expect(await held).toBe('DRAINING');
    expect(fleet.gate.status()).toMatchObject({ state: 'drained', sessions: 0 });
    expect(fleet.log.of('gate').map(({ what }) => what)).toEqual(['started']);
    await operations.undrain({ ...ANN, target: { kind: 'gate' } });
    expect(fleet.gate.status().state).toBe('paused');
    await operations.resume(ANN);
    (await fleet.admit('4.14.0')).destroy();
  });
});

describe('a drained gate behind a balancer', () => {
  test('takes clients for timeouts.lameDuck, although it says that it is drained, and ends their sessions too', async () => {
    const { world, fleet, operations } = await start({ timeouts: { lameDuck: '10s', probe: '5s' } });
    await using _ = fleet;
    const draining = operations.drain({ ...ANN, target: { kind: 'gate' }, overMs: 5_000 });
    expect(fleet.gate.status().state).toBe('drained');
    await world.clock.run(9_000);
    await admit(fleet, '4.14.0');
    await world.clock.run(1_500);
    expect((await fleet.refuse('4.14.0')).code).toBe('DRAINING');
    expect(fleet.gate.status().sessions).toBe(1);
    expect(await world.finish(draining)).toMatchObject({ done: true, details: { left: 0 } });
    expect(endings(fleet)).toHaveLength(1);
  });
});

describe('drain and undrain', () => {
  const targets: [string, Target, number][] = [
    ['a server', S1, 2],
    ['client releases', OLD, 1],
    ['the gate', { kind: 'gate' }, 3],
  ];

  test.each(targets)(
    'say beforehand what they would do to %s, and do nothing',
    async (_name, target, count) => {
      const { world, fleet, operations } = await start();
      await using _ = fleet;
      const sessions = await admit(fleet, '4.14.0', '4.13.0', '4.14.0');
      const preview = await operations.drain({ ...ANN, target, overMs: 600_000, dryRun: true });
      expect(preview).toMatchObject({
        dryRun: true,
        done: false,
        sessions: count,
        details: { left: count, order: null },
      });
      expect(preview.sentence).toContain(
        `Closes ${count} session${count === 1 ? '' : 's'}, evenly over 10 min.`,
      );
      const back = await operations.undrain({ ...ANN, target, dryRun: true });
      expect(back).toMatchObject({ dryRun: true, done: false });
      await world.clock.run(700_000);
      expect(fleet.gate.status()).toMatchObject({ state: 'serving', sessions: 3 });
      expect(fleet.log.of('operator')).toEqual([]);
      for (const session of sessions) session.destroy();
    },
  );

  test('warn of what nobody may have thought of', async () => {
    const { fleet, operations } = await start({ servers: [{ version: '4.14.0' }] });
    await using _ = fleet;
    const { details } = await operations.drain({ ...ANN, target: S1, dryRun: true });
    expect(details.warnings).toEqual(['No other server takes sessions: new clients wait for one.']);
  });

  test.each(targets)(
    'are on record for %s: who, why, what, over which time, and when it is done',
    async (_name, target, count) => {
      const { world, fleet, operations } = await start();
      await using _ = fleet;
      await admit(fleet, '4.14.0', '4.13.0', '4.14.0');
      const { details } = await world.finish(operations.drain({ ...ANN, target, overMs: 4_000 }));
      await operations.undrain({ by: 'bob', reason: 'done', target });
      const common = {
        what: 'drain',
        ...ANN,
        order: details.order,
        target: details.target,
        overMs: 4_000,
        sessions: count,
      };
      expect(fleet.log.of('operator')).toMatchObject([
        { ...common, stage: 'begun' },
        { ...common, stage: 'done' },
        { what: 'undrain', stage: 'done', by: 'bob', reason: 'done', target: details.target },
      ]);
    },
  );

  test('to take back what is spelt in another way says what there is to take back', async () => {
    const { fleet, operations } = await start();
    await using _ = fleet;
    await operations.drain({ ...ANN, target: OLD });
    const effect = await operations.undrain({ ...ANN, target: { kind: 'clients', range: '<4.14.0' } });
    expect(effect).toMatchObject({
      sentence: 'Clients of <4.14.0: not drained.',
      details: { warnings: ['What is drained: Clients of <4.14.'] },
    });
    expect(operations.list()).toHaveLength(1);
  });

  test('a drain with an end of its own ends by itself, and says so', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    await operations.drain({ ...ANN, target: S1, forMs: 10_000 });
    await world.clock.run(9_000);
    expect(fleet.gate.status().servers[0]?.state).toBe('draining');
    await world.clock.run(1_100);
    expect(fleet.gate.status().servers[0]?.state).toBe('up');
    expect(fleet.log.of('operator').at(-1)).toMatchObject({ what: 'drain', stage: 'lapsed', by: 'ann' });
  });

  test('an order of the same operator about the same takes the place of the one before', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    await admit(fleet, '4.14.0', '4.14.0');
    void operations.drain({ ...ANN, target: S1, overMs: 600_000 });
    await world.clock.run(1_000);
    await world.finish(operations.drain({ ...ANN, target: S1, overMs: 1_000 }));
    expect(operations.list()).toMatchObject([{ what: 'drain', overMs: 1_000, sessions: 1, left: 0 }]);
    await operations.undrain({ ...ANN, target: S1 });
    expect(fleet.gate.status().servers[0]?.state).toBe('up');
  });

  test('a gate that stops ends its sessions itself, and leaves nothing behind', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    await admit(fleet, '4.14.0', '4.14.0');
    const draining = operations.drain({ ...ANN, target: S1, overMs: 600_000, forMs: 900_000 });
    await world.clock.run(1_000);
    await world.finish(fleet.gate.stop(0));
    expect(await draining).toMatchObject({ done: false });
    await world.clock.run(2_000);
    expect(world.clock.pending).toBe(0);
    expect(fleet.log.of('session-end').map(({ reason }) => reason)).toEqual(['gate-stopped', 'gate-stopped']);
  });
});

describe('kick', () => {
  test('says what it would do, ends that session alone, and is on record', async () => {
    const { world, fleet, operations } = await start();
    await using _ = fleet;
    const [one, two] = await admit(fleet, '4.13.0', '4.14.0');
    const id = one?.id as string;
    const preview = await operations.kick({ ...ANN, session: id, dryRun: true });
    expect(preview).toMatchObject({
      what: 'kick',
      dryRun: true,
      done: false,
      sessions: 1,
      details: { left: 1 },
    });
    expect(preview.sentence).toContain(`Closes session ${id} of client 4.13.0`);
    expect(fleet.gate.status().sessions).toBe(2);
    const effect = await world.finish(operations.kick({ ...ANN, session: id }));
    expect(effect).toMatchObject({ done: true, details: { left: 0, target: { kind: 'session', name: id } } });
    expect(fleet.log.of('session-end')).toMatchObject([
      {
        session: id,
        reason: 'kicked',
        code: 'KICKED',
        message: 'An operator ended the session (a new disk).',
      },
    ]);
    expect(fleet.log.of('operator')).toMatchObject([
      { what: 'kick', stage: 'done', ...ANN, target: { kind: 'session', name: id }, sessions: 1 },
    ]);
    await expect(operations.kick({ ...ANN, session: id })).rejects.toMatchObject({ isMissing: true });
    expect(fleet.gate.status().sessions).toBe(1);
    two?.destroy();
  });
});
