/** `import { connect } from 'skewgate'`, against a real gate. */
import { once } from 'node:events';
import net from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectTo } from '../../src/client/connect.ts';
import { parseUrl } from '../../src/client/url.ts';
import { ConnectError, connect, RefusedError, UrlError, WireFault } from '../../src/index.ts';
import { createMemoryTables } from '../../src/server/tables.ts';
import { encodeMessage } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { realEnvironment, virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { randomBytes } from '../support/random.ts';
import { Recorder } from '../support/recorder.ts';

const MIB = 1_048_576;

const fleetOf = (listen: 'tcp' | 'ws' = 'tcp') =>
  startFleet(realEnvironment, {
    listen: [listen === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
    servers: [{ version: '4.14.1' }],
  });

/** A peer that is no gate, or a strange one. */
async function peer(serve: (socket: net.Socket) => void): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket.resume());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `skewgate://127.0.0.1:${(server.address() as net.AddressInfo).port}/?version=4.14.0`;
}

describe('an admitted client', () => {
  test('has the facts of its session', async () => {
    await using fleet = await fleetOf();
    const session = await connect(`jdbc:${fleet.url('4.13.2', { query: 'user=ada' })}`);
    expect(session.id).toMatch(/^[0-9a-z]{16}$/);
    expect(session.server).toEqual({ id: 's1', version: '4.14.1' });
    expect(session.schemaLevel).toBe(28);
    expect(session.notices).toEqual([]);
    expect(session.waitedMs).toBe(0);
    expect(session.decision).toMatchObject({ verdict: 'permit', code: 'PERMITTED', client: '4.13.2' });
    expect(fleet.log.handshakes[0]).toMatchObject({ session: session.id, driver: 'skewgate-node' });
    session.destroy();
  });

  for (const listen of ['tcp', 'ws'] as const) {
    test(`over ${listen}: is a stream that pipeline takes, megabytes there and back`, async () => {
      await using fleet = await fleetOf(listen);
      const session = await connect(fleet.url('4.14.0'));
      const bytes = randomBytes(8 * MIB);
      const parts: Buffer[] = [];
      await pipeline(Readable.from(slices(bytes)), session, async (source) => {
        for await (const part of source) parts.push(part as Buffer);
      });
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      await fleet.log.until('session-end', { reason: 'both-ended' });
    });

    test(`over ${listen}: destroy ends the session at the gate`, async () => {
      await using fleet = await fleetOf(listen);
      const session = await connect(fleet.url('4.14.0'));
      session.destroy();
      await once(session, 'close');
      expect(await fleet.log.until('session-end')).toMatchObject({ session: session.id });
      await fleet.idle();
    });
  }

  test('a reader that stops holds the writer back; what is under way is bounded', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0');
    const total = 16 * MIB;
    const chunk = randomBytes(65_536);
    let written = 0;
    const fill = (async () => {
      for (; written < total; written += chunk.length)
        if (!session.write(chunk)) await once(session, 'drain');
      session.end();
    })();
    // Nobody reads: the echo fills all that is between, and then the writer waits.
    await world.clock.run(2_000);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(MIB);
    let read = 0;
    session.on('data', ({ length }) => {
      read += length;
    });
    const ended = once(session, 'end');
    await world.finish(Promise.all([fill, ended]));
    expect(read).toBe(total);
  });

  test('sees an end when the server ends, and an error when it breaks off', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [
        {
          version: '4.14.0',
          serve: (connection) => ({
            data(bytes) {
              if (bytes.toString() === Buffer.from('end').toString()) connection.end();
              else connection.destroy();
            },
            end: () => connection.end(),
            drain() {},
          }),
        },
      ],
    });
    const orderly = await connect(fleet.url('4.14.0'));
    orderly.write('end');
    expect((await buffer(orderly)).length).toBe(0);
    orderly.end();
    const broken = await connect(fleet.url('4.14.0'));
    broken.write('cut');
    await expect(buffer(broken)).rejects.toThrow();
  });

  test('hears why it waits, and how long it may have to', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0', tables: createMemoryTables(27), upgradeMs: 100 }],
    });
    const heard: string[] = [];
    const session = await connect(fleet.url('4.14.0'), {
      onWait: ({ code, deadlineMs }) => heard.push(`${code} ${deadlineMs > 0}`),
    });
    expect(heard.length).toBeGreaterThan(0);
    expect(heard[0]).toMatch(/^UPGRADE_\w+ true$/);
    expect(session.waitedMs).toBeGreaterThan(50);
    expect(session.schemaLevel).toBe(28);
    session.destroy();
  });
});

describe('a refused client', () => {
  test('gets an error with the decision: which side must move, to what, and whether to retry', async () => {
    await using fleet = await fleetOf();
    const error = await connect(fleet.url('4.15.0')).catch((refused) => refused);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({
      name: 'RefusedError',
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      move: { side: 'server', to: '4.15', who: ['s1'] },
      retry: 'after-change',
      retryAfterMs: null,
      vendorCode: 2007,
      sqlState: 'INT09',
      transient: false,
    });
    expect(error.message).toBe(error.decision.message);
    expect(error.message).not.toBe('');
  });

  test('a refusal that time may heal is transient', async () => {
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      timeouts: { hold: '20ms', fresh: '0ms' },
    });
    await fleet.server(0).stop();
    const error = await connect(fleet.url('4.14.0')).catch((refused) => refused);
    expect(error).toMatchObject({ name: 'RefusedError', retry: 'later', transient: true });
  });

  test('more properties than the protocol takes: the gate says so', async () => {
    await using fleet = await fleetOf();
    const query = Array.from({ length: 40 }, (_, at) => `p${at}=1`).join('&');
    const error = await connect(fleet.url('4.14.0', { query })).catch((refused) => refused);
    expect(error).toMatchObject({ code: 'BAD_HANDSHAKE', transient: false });
    expect(error.message).toContain('at most 32 properties');
  });
});

describe('no gate', () => {
  test('a URL that cannot be meant fails before anything is dialled', async () => {
    await expect(connect('skewgate://127.0.0.1/')).rejects.toThrow(UrlError);
  });

  test('nobody listens: a ConnectError, and trying again may help', async () => {
    const error = await connect('skewgate://127.0.0.1:1/?version=4.14.0').catch((failed) => failed);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error.transient).toBe(true);
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('a peer that closes before it has decided', async () => {
    const url = await peer((socket) => socket.end());
    await expect(connect(url)).rejects.toThrow(ConnectError);
    const cutting = await peer((socket) => socket.on('data', () => socket.resetAndDestroy()));
    await expect(connect(cutting)).rejects.toThrow(ConnectError);
    const midway = await peer((socket) => socket.end(encodePreface()));
    await expect(connect(midway)).rejects.toThrow(ConnectError);
  });

  test('a peer that is no gate: a WireFault, and the connection is not left open', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await peer((socket) => {
      socket.on('close', () => gone.resolve());
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
    });
    await expect(connect(url)).rejects.toThrow(WireFault);
    await gone.promise;
  });

  test('a gate that sends what no gate may send', async () => {
    const url = await peer((socket) =>
      socket.write(
        Buffer.concat([encodePreface(), encodeMessage('serverHello', { id: 'x', version: '4.14.0' })]),
      ),
    );
    await expect(connect(url)).rejects.toThrow(/unexpected frame type/);
  });

  test('a hello that fits into no frame fails, and the connection is not left open', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await peer((socket) => socket.on('close', () => gone.resolve()));
    await expect(connect(`${url}&text=${'x'.repeat(70_000)}`)).rejects.toThrow(/over the limit/);
    await gone.promise;
  });
});

describe('giving up', () => {
  test('before the dial, and while the gate has not decided', async () => {
    await expect(
      connect('skewgate://127.0.0.1:1/?version=4.14.0', { signal: AbortSignal.abort() }),
    ).rejects.toThrow(/gave up/);
    const gone = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const url = await peer((socket) => {
      socket.on('data', () => asked.resolve());
      socket.on('close', () => gone.resolve());
    });
    const abort = new AbortController();
    const connecting = connect(url, { signal: abort.signal });
    connecting.catch(() => {});
    await asked.promise;
    abort.abort();
    await expect(connecting).rejects.toThrow(ConnectError);
    await gone.promise;
  });

  test('a gate that says nothing: after half a minute, counted from its last word; no connection is left', async () => {
    const world = virtualEnvironment();
    const { clock, transports } = world;
    const heard: Recorder[] = [];
    await transports.tcp?.listen('gate:1', {
      accept: (connection) => {
        heard.push(new Recorder(connection));
        clock.after(20_000, () => {
          const wait = { code: 'NO_SERVER', reason: 'soon', progress: null, deadlineMs: 60_000 } as const;
          connection.send(Buffer.concat([encodePreface(), encodeMessage('wait', wait)]));
        });
      },
    });
    const from = clock.now();
    const waits: string[] = [];
    const connecting = connectTo(parseUrl('skewgate://gate:1/?version=4.14.0'), world, {
      onWait: ({ reason }) => waits.push(reason),
    });
    await expect(world.finish(connecting)).rejects.toThrow('no word from the gate for 30 s');
    expect(waits).toEqual(['soon']);
    expect(Math.round((clock.now() - from) / 1_000)).toBe(50);
    await clock.run(1_000);
    expect(heard.map(({ events }) => events.at(-1))).toEqual(['close']);
    expect(clock.pending).toBe(0);
  });

  test('as long as it was told, also while it dials; an admitted session is left alone', async () => {
    const world = virtualEnvironment({ latency: 5_000 });
    const target = parseUrl('skewgate://gate:1/?version=4.14.0');
    await expect(world.finish(connectTo(target, world, { timeout: 1_000 }))).rejects.toThrow(
      'no word from the gate for 1 s',
    );
    const near = virtualEnvironment();
    await using fleet = await startFleet(near, { servers: [{ version: '4.14.0' }] });
    const session = await fleet.admit('4.14.0', { timeout: 1_000 });
    await near.clock.run(60_000);
    expect(session.closed).toBe(false);
    session.destroy();
  });

  test('a signal that aborts after admission does not touch the session', async () => {
    await using fleet = await fleetOf();
    const abort = new AbortController();
    const session = await connect(fleet.url('4.14.0'), { signal: abort.signal });
    abort.abort();
    session.end('still mine');
    expect((await buffer(session)).toString()).toBe('still mine');
  });
});

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}
