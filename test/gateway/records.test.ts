/** What a reader of the decision log can rely on: which records, which keys, and when. */
import { describe, expect, test } from 'vitest';
import type { Transport } from '../../src/ports/transport.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import type { LogLine } from '../support/log.ts';
import { noteSends } from '../support/spy.ts';

const HANDSHAKE = [
  'time',
  'event',
  'gate',
  'cluster',
  'listener',
  'connection',
  'peer',
  'driver',
  'protocol',
  'claim',
  'tls',
  'properties',
  'identity',
  'credential',
  'session',
  'server',
  'serverVersion',
  'waitedFor',
  'phases',
  'verdict',
  'code',
  'rule',
  'client',
  'observed',
  'move',
  'retry',
  'retryAfterMs',
  'vendorCode',
  'sqlState',
  'message',
  'notices',
  'notes',
  'trace',
  'policyHash',
];
const SESSION_END = [
  'time',
  'event',
  'gate',
  'cluster',
  'session',
  'client',
  'peer',
  'properties',
  'identity',
  'server',
  'reason',
  'code',
  'message',
  'error',
  'bytesFromClient',
  'bytesFromServer',
  'durationMs',
];
const SERVER = [
  'time',
  'event',
  'gate',
  'cluster',
  'server',
  'first',
  'state',
  'version',
  'previousState',
  'previousVersion',
  'level',
  'lastError',
];

const keysOf = (line: LogLine | undefined) => Object.keys(line ?? {}).sort();

describe('records', () => {
  test('have the same keys whatever the outcome, and say which gate and policy', async () => {
    await using fleet = await startFleet(realEnvironment, {
      id: 'edge-1',
      cluster: 'blue',
      servers: [{ version: '4.14.0' }],
    });
    const session = await fleet.admit('4.14.0');
    session.end();
    session.resume();
    await fleet.refuse('4.15.0');
    await fleet.refuse('1.0.0');
    await fleet.log.until('session-end');
    const { handshakes } = fleet.log;
    expect(handshakes.map(({ code }) => code)).toEqual(['PERMITTED', 'SERVER_OUTDATED', 'MAJOR_MISMATCH']);
    for (const handshake of handshakes) {
      const keys = HANDSHAKE.filter((key) => key !== 'trace' || handshake.verdict === 'refuse');
      expect(keysOf(handshake)).toEqual(keys.sort());
      expect(Object.keys(handshake.phases)).toEqual(['helloMs', 'heldMs', 'dialMs', 'totalMs']);
      expect([handshake.gate, handshake.cluster]).toEqual(['edge-1', 'blue']);
      expect(handshake.policyHash).toMatch(/^[0-9a-f]{12}$/);
      expect(handshake.listener).toBe(fleet.address());
      expect(handshake.peer).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(handshake.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(keysOf(fleet.log.of('session-end')[0])).toEqual([...SESSION_END].sort());
    expect(keysOf(fleet.log.of('server')[0])).toEqual([...SERVER].sort());
    const [admitted, refused] = handshakes;
    expect(admitted).toMatchObject({ session: session.id, server: 's1', serverVersion: '4.14.0' });
    expect(refused).toMatchObject({ session: null, server: null, serverVersion: null, waitedFor: null });
  });

  test.each([
    ['all', [true, true]],
    ['refused', [false, true]],
    ['none', [false, false]],
  ] as const)('hold the trace of the decision as log.trace says: %s', async (trace, kept) => {
    await using fleet = await startFleet(virtualEnvironment(), {
      servers: [{ version: '4.14.0' }],
      log: { trace },
    });
    const session = await fleet.admit('4.14.0');
    const { decision } = await fleet.refuse('4.15.0');
    expect(fleet.log.handshakes.map((record) => 'trace' in record)).toEqual(kept);
    // What a client is told does not depend on what is recorded.
    expect(decision.trace).not.toEqual([]);
    session.destroy();
  });

  test("hold of a client's properties those that log.properties names, escaped and cut, and no others", async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      log: { properties: ['name', 'team', 'toString'] },
    });
    const query = `user=secret&name=${encodeURIComponent('a\u0085\u2028b')}&team=${'x'.repeat(300)}`;
    const session = await fleet.admit('4.14.0', { query });
    session.destroy();
    await fleet.idle();
    const properties = { name: 'a\u0085\u2028b', team: `${'x'.repeat(255)}…` };
    expect(fleet.log.handshakes[0]?.properties).toEqual(properties);
    expect(fleet.log.of('session-end')[0]?.properties).toEqual(properties);
    expect(JSON.stringify(fleet.log.lines)).not.toContain('secret');
  });

  test('every handshake record stands in the log before its client hears a byte', async () => {
    const world = virtualEnvironment();
    const network = world.transports.tcp as Transport;
    const order: string[] = [];
    // Clients come by `ws`, servers are reached by `tcp`: only what the gate says to clients is noted.
    const ws = noteSends(network, () => order.push('told'));
    await using fleet = await startFleet(
      { ...world, transports: { tcp: network, ws } },
      { listen: [{ ws: '127.0.0.1:0' }], servers: [{ version: '4.14.0' }] },
    );
    fleet.log.onLine = ({ event }) => {
      if (event === 'handshake') order.push('logged');
    };
    const session = await fleet.admit('4.14.0');
    await fleet.refuse('4.15.0');
    expect(order).toEqual(['logged', 'told', 'logged', 'told']);
    session.destroy();
  });

  test('phases say how long the hello, the wait and the dial took', async () => {
    const world = virtualEnvironment({ latency: 10 });
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0');
    // 10 for the way of the hello; then dial, question and answer, 10 each.
    expect(fleet.log.handshakes[0]?.phases).toEqual({ helloMs: 10, heldMs: 0, dialMs: 30, totalMs: 40 });
    session.destroy();
  });

  test('a change of a server is one record with what was known before', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      timeouts: { probe: '20ms' },
    });
    expect(fleet.log.of('server')).toHaveLength(1);
    expect(fleet.log.of('server')[0]).toMatchObject({
      cluster: 'main',
      server: 's1',
      state: 'up',
      version: '4.14.0',
      previousState: null,
      previousVersion: null,
      lastError: null,
    });
    await fleet.server(0).stop();
    expect(await fleet.log.until('server', { state: 'down' })).toMatchObject({
      version: '4.14.0',
      previousState: 'up',
      previousVersion: '4.14.0',
      // The probe that was under way is cut, or the next one finds nobody.
      lastError: expect.stringMatching(/ECONNREFUSED|ECONNRESET|went away|closed the connection/),
    });
    await fleet.server(0).restart({ version: '4.15.0' });
    expect(await fleet.log.until('server', { version: '4.15.0' })).toMatchObject({
      state: 'up',
      previousVersion: '4.14.0',
    });
  });

  test('the gate notes its own start and end', async () => {
    const fleet = await startFleet(realEnvironment, { servers: [{ version: '4.14.0' }] });
    await fleet[Symbol.asyncDispose]();
    expect(fleet.log.of('gate').map(({ what }) => what)).toEqual(['started', 'draining', 'stopped']);
    expect(fleet.log.of('gate')[0]?.listeners).toEqual(fleet.gate.status().addresses);
  });
});
