/** Clients and servers that speak nonsense, or nothing: a clear answer, a record with a code, nobody else harmed. */
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectTo } from '../../src/client/connect.ts';
import type { Session } from '../../src/client/session.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { dial } from '../../src/transport/address.ts';
import { closeCodeOf } from '../../src/wire/close.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { encodeMessage, MESSAGES } from '../../src/wire/messages.ts';
import { encodeValue } from '../../src/wire/msgpack.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { realEnvironment, type VirtualEnvironment, virtualEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';

const { type: HELLO } = MESSAGES.hello;
const preface = encodePreface();
const withPreface = (...parts: Uint8Array[]) => Buffer.concat([preface, ...parts]);
const hello = (value: unknown) => withPreface(encodeFrame(HELLO, encodeValue(value)));
const payload = (...bytes: number[]) => withPreface(encodeFrame(HELLO, Uint8Array.from(bytes)));

/** Name, bytes, what the log and the client are told. */
const NONSENSE: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
  ['garbage', Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), /first bytes are not a skewgate preface/],
  ['one wrong byte', Buffer.from([0]), /first bytes/],
  ['a preface with revisions the wrong way round', encodePreface({ min: 2, max: 1 }), /first bytes/],
  [
    'a frame announced over the limit',
    withPreface(Buffer.from([HELLO, 0xff, 0xff, 0xff, 0xff])),
    /4294967295 bytes is over the limit/,
  ],
  ["a frame of the server's", withPreface(Buffer.from([0x12])), /unexpected frame type 0x12/i],
  ['a hello that is a number', hello(42), /hello/i],
  ['a hello without a version', hello({ driver: 'x' }), /hello\.version/i],
  ['a version that is a number', hello({ version: 4.14 }), /hello\.version/i],
  ['properties that are a list', hello({ version: '4.14.0', properties: ['a'] }), /hello\.properties/i],
  ['too many properties', hello({ version: '4.14.0', properties: many(33) }), /hello\.properties/i],
  ['an unknown wish', hello({ version: '4.14.0', upgrade: 'please' }), /hello\.upgrade/i],
  ['a range from above', hello({ version: '4.14.0', protocol: { min: 3, max: 1 } }), /hello\.protocol/i],
  ['a version that is none', hello({ version: '4.14' }), /4\.14/],
  ['a version of no sense', hello({ version: `1.0.${'9'.repeat(20)}` }), /./],
  ['an empty frame', payload(), /payload ends/i],
  ['nesting without end', payload(...Array(2_000).fill(0x91), 0xc0), /nest/i],
  ['a list of four billion', payload(0xdd, 0xff, 0xff, 0xff, 0xff), /payload ends/i],
  ['a text longer than its frame', payload(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61), /longer than its frame/i],
  ['bytes behind the message', payload(0x80, 0x80), /bytes follow/i],
  ['a type that is not used', payload(0xc1), /0xc1/i],
];

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, 'v']));
}

/** A fleet with a session that must not notice anything. */
async function start(listen: 'tcp' | 'ws' = 'tcp'): Promise<{ fleet: Fleet; bystander: Session }> {
  const fleet = await startFleet(realEnvironment, {
    listen: [listen === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
    servers: [{ version: '4.14.0' }],
  });
  return { fleet, bystander: await fleet.admit('4.14.0') };
}

async function isServed(bystander: Session): Promise<boolean> {
  bystander.write('still there?');
  const [bytes] = (await once(bystander, 'data')) as [Buffer];
  return bytes.toString() === 'still there?';
}

describe('a client that speaks nonsense', () => {
  for (const transport of ['tcp', 'ws'] as const)
    test(`over ${transport}: each is told and logged once, and no server hears of it`, async () => {
      const { fleet, bystander } = await start(transport);
      await using _ = fleet;
      for (const [name, bytes, message] of NONSENSE) {
        const before = fleet.log.handshakes.length;
        const client = await dialRaw(realEnvironment, fleet.address());
        client.connection.send(bytes);
        await client.untilEnded();
        const { refuse, permit } = answersIn(client.bytes);
        expect(permit, name).toBeNull();
        expect(refuse, name).toMatchObject({ code: 'BAD_HANDSHAKE', rule: 'gate', retry: 'never' });
        expect(refuse?.message, name).toMatch(message);
        expect(fleet.log.codes.slice(before), name).toEqual(['BAD_HANDSHAKE']);
        client.connection.close();
      }
      expect(await isServed(bystander)).toBe(true);
      expect(fleet.server(0).clients).toHaveLength(1);
      expect(fleet.server(0).received).toBe(12);
      bystander.destroy();
      await fleet.idle();
    });

  test('a hello too long to be handed on to a server is refused, and takes nobody a place', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      limits: { sessions: 1 },
    });
    const properties = Object.fromEntries(
      Array.from({ length: 32 }, (_, at) => [`p${at}`, 'é'.repeat(at < 31 ? 1_024 : 850)]),
    );
    const refused = await world.finish(
      connectTo({ address: fleet.address(), hello: { version: '4.14.0', properties } }, world).catch(
        (error) => error,
      ),
    );
    expect(refused).toMatchObject({ code: 'BAD_HANDSHAKE', message: expect.stringContaining('49152 bytes') });
    expect(fleet.server(0).clients).toEqual([]);
    const session = await fleet.admit('4.14.0');
    session.destroy();
  });

  test('a WebSocket client sees the code in the close frame too', async () => {
    const { fleet, bystander } = await start('ws');
    await using _ = fleet;
    const client = new WebSocket(fleet.address());
    await once(client, 'open');
    client.send(Buffer.from('nonsense'));
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    expect(code).toBe(closeCodeOf('BAD_HANDSHAKE'));
    expect(reason.toString()).toMatch(/^BAD_HANDSHAKE: /);
    const texter = new WebSocket(fleet.address());
    await once(texter, 'open');
    texter.send('hello');
    expect(((await once(texter, 'close')) as [number])[0]).toBe(1003);
    await fleet.log.until('handshake', { code: 'BAD_HANDSHAKE' }, 2);
    bystander.destroy();
  });

  test('another protocol revision is answered with the one the gate speaks', async () => {
    const { fleet, bystander } = await start();
    await using _ = fleet;
    const client = await dialRaw(realEnvironment, fleet.address());
    client.connection.send(Buffer.concat([encodePreface({ min: 7, max: 9 }), helloBytes('4.14.0')]));
    await client.untilEnded();
    expect([...client.bytes.subarray(0, 8)]).toEqual([...preface]);
    expect(answersIn(client.bytes).refuse).toMatchObject({
      code: 'PROTOCOL_UNSUPPORTED',
      message: expect.stringContaining('7 to 9'),
    });
    expect(fleet.log.codes).toEqual(['PERMITTED', 'PROTOCOL_UNSUPPORTED']);
    bystander.destroy();
  });

  test('a browser is answered in HTTP, a TLS client with an alert; both are logged', async () => {
    const { fleet, bystander } = await start();
    await using _ = fleet;
    const browser = await fetch(fleet.address().replace('tcp:', 'http:'));
    expect(browser.status).toBe(400);
    expect(await browser.text()).toContain('skewgate handshake, not HTTP');
    const tls = await dialRaw(realEnvironment, fleet.address());
    tls.connection.send(Buffer.from('16030100c8010000c40303', 'hex'));
    await tls.untilEnded();
    expect(tls.bytes.toString('hex')).toBe('15030100020246');
    expect(fleet.log.handshakes.slice(1).map(({ code, message }) => [code, message])).toEqual([
      ['BAD_HANDSHAKE', 'The peer speaks HTTP, not the skewgate handshake.'],
      ['BAD_HANDSHAKE', 'The peer speaks TLS, not the skewgate handshake.'],
    ]);
    expect(await isServed(bystander)).toBe(true);
    bystander.destroy();
  });

  test('a client that ends its side before its hello is complete is at fault, one that is cut off has left; one that never said a byte is a probe, and is not', async () => {
    const { fleet, bystander } = await start();
    await using _ = fleet;
    for (const bytes of [new Uint8Array(0), helloBytes('4.14.0').subarray(0, 20)]) {
      const client = await dialRaw(realEnvironment, fleet.address());
      client.connection.send(bytes);
      client.connection.end();
      await client.untilClosed();
    }
    const cut = await dialRaw(realEnvironment, fleet.address());
    cut.connection.send(preface);
    cut.connection.destroy();
    await fleet.log.until('handshake', { code: 'CLIENT_LEFT' });
    expect(fleet.log.handshakes.slice(1).map(({ code, retry, message }) => [code, retry, message])).toEqual([
      ['BAD_HANDSHAKE', 'never', 'The client ended its side before its hello was complete.'],
      ['CLIENT_LEFT', 'later', 'The client left before its hello was complete.'],
    ]);
    bystander.destroy();
    await fleet.idle();
  });
});

describe('clients that say nothing', () => {
  test('ten thousand: each is refused in its time and logged; others come and go meanwhile', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      limits: { handshakes: 10_001 },
      timeouts: { probe: '1h' },
    });
    const silent = await world.finish(
      Promise.all(Array.from({ length: 10_000 }, () => dial(world.transports, fleet.address()))),
    );
    const recorders = silent.map((connection) => new Recorder(connection));
    expect(fleet.gate.status().handshakes).toBe(10_000);
    const session = await fleet.admit('4.14.0');
    await world.clock.run(11_000);
    expect(fleet.gate.status().handshakes).toBe(0);
    expect(fleet.log.codes.filter((code) => code === 'HANDSHAKE_TIMEOUT')).toHaveLength(10_000);
    expect(recorders.filter(({ closed }) => closed === undefined)).toHaveLength(0);
    const first = recorders[0] as Recorder;
    expect(answersIn(first.bytes).refuse?.code).toBe('HANDSHAKE_TIMEOUT');
    expect(fleet.gate.status().sessions).toBe(1);
    expect(fleet.server(0).clients).toHaveLength(1);
    session.destroy();
    await world.clock.run(100);
    expect(fleet.gate.status().sessions).toBe(0);
  });

  test.each([
    ['nothing', '', []],
    [
      'half of an upgrade',
      'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n',
      Array(20).fill('BAD_HANDSHAKE'),
    ],
  ])('that send %s to a WebSocket port count as clients on their way in', async (_, text, leaving) => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0' }, { tcp: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
      limits: { handshakes: 20 },
    });
    const port = Number(fleet.address().split(':').at(-1));
    const silent = Array.from({ length: 50 }, () => net.connect(port, '127.0.0.1').resume());
    onTestFinished(() => {
      for (const socket of silent) socket.destroy();
    });
    const gone = new Promise<void>((resolve) => {
      let left = 30;
      for (const socket of silent) {
        socket.on('error', () => {}).once('close', () => --left === 0 && resolve());
        socket.write(text);
      }
    });
    await fleet.log.until('handshake', { code: 'TOO_MANY_CONNECTIONS' }, 30);
    await gone;
    expect(fleet.gate.status().handshakes).toBe(20);
    for (const at of [0, 1])
      expect(await fleet.refuse('4.14.0', { at })).toMatchObject({ code: 'TOO_MANY_CONNECTIONS' });
    expect(silent.filter(({ closed }) => !closed)).toHaveLength(20);
    for (const socket of silent) socket.destroy();
    await fleet.idle();
    const bystander = await fleet.admit('4.14.0');
    expect(await isServed(bystander)).toBe(true);
    expect(fleet.log.codes.sort()).toEqual([
      ...leaving,
      'PERMITTED',
      ...Array(32).fill('TOO_MANY_CONNECTIONS'),
    ]);
    bystander.destroy();
  });

  test('the time that one spent on a WebSocket port before it was a WebSocket is on record', async () => {
    const clock = new VirtualClock();
    await using fleet = await startFleet(
      { ...realEnvironment, clock },
      { listen: [{ ws: '127.0.0.1:0' }], servers: [{ version: '4.14.0' }], timeouts: { probe: '1h' } },
    );
    const silent = net.connect(Number(fleet.address().split(':').at(-1)), '127.0.0.1');
    for (const limit = AbortSignal.timeout(8_000); fleet.gate.status().handshakes < 1 && !limit.aborted; )
      await turn();
    await clock.run(1_234);
    silent.end('GET');
    const { phases } = await fleet.log.until('handshake', { code: 'BAD_HANDSHAKE' });
    expect(phases).toEqual({ helloMs: null, heldMs: 0, dialMs: null, totalMs: 1_234 });
  });

  test('are refused DRAINING when the gate stops, on a WebSocket port too', async () => {
    await using fleet = await startFleet(realEnvironment, {
      listen: [{ ws: '127.0.0.1:0' }],
      servers: [{ version: '4.14.0' }],
    });
    const silent = net.connect(Number(fleet.address().split(':').at(-1)), '127.0.0.1').resume();
    const closed = once(silent, 'close');
    await once(silent, 'connect');
    const upgraded = new WebSocket(fleet.address());
    await once(upgraded, 'open');
    await fleet.gate.stop(60_000);
    expect(fleet.gate.status().handshakes).toBe(0);
    expect(fleet.log.codes).toEqual(['DRAINING', 'DRAINING']);
    await closed;
    upgraded.terminate();
  });

  test('hundreds on real sockets', async () => {
    // Nobody is late because this machine is slow.
    const clock = new VirtualClock();
    await using fleet = await startFleet(
      { ...realEnvironment, clock },
      { servers: [{ version: '4.14.0' }], timeouts: { probe: '1h' } },
    );
    const bystander = await fleet.admit('4.14.0');
    const silent = await Promise.all(
      Array.from({ length: 300 }, () => dialRaw(realEnvironment, fleet.address())),
    );
    expect(await isServed(bystander)).toBe(true);
    const limit = AbortSignal.timeout(8_000);
    while (fleet.gate.status().handshakes < 300 && !limit.aborted) await turn();
    await clock.run(9_999);
    expect(fleet.gate.status().handshakes).toBe(300);
    await clock.run(1);
    expect(fleet.log.of('handshake', { code: 'HANDSHAKE_TIMEOUT' })).toHaveLength(300);
    for (const client of silent) {
      await client.untilEnded();
      client.connection.close();
    }
    expect(await isServed(bystander)).toBe(true);
    bystander.destroy();
    await fleet.idle();
  });
});

test('a refusal that would be longer than a frame is cut, not lost', async () => {
  const world = virtualEnvironment();
  await using backend = await startFleet(world, { servers: [{ version: '4.14.0' }] });
  await using fleet = await startFleet(world, {
    others: Array.from({ length: 200 }, (_, at) => ({
      id: `${at}${'\u6f22'.repeat(124)}`,
      address: backend.server(0).address,
      version: '4.14.0',
    })),
  });
  const refused = await fleet.refuse('4.15.0');
  expect(refused).toMatchObject({ code: 'SERVER_OUTDATED', vendorCode: 2007, move: { to: '4.15' } });
  expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
  expect(fleet.gate.status().handshakes).toBe(0);
});

describe('a server that speaks nonsense', () => {
  const serverHello = (version: string) =>
    Buffer.concat([preface, encodeMessage('serverHello', { id: 'x', version })]);
  test.each<[string, (socket: net.Socket) => void, RegExp]>([
    ['garbage', (socket) => socket.write('SSH-2.0-OpenSSH_9.7\r\n'), /preface|speaks/],
    ['an HTTP answer', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /HTTP/],
    ['nothing, and hangs', () => {}, /did not answer in time/],
    ['nothing, and closes', (socket) => socket.end(), /closed the connection|went away/],
    ['a reset', (socket) => socket.resetAndDestroy(), /closed the connection|went away|ECONNRESET|EPIPE/],
    ['a version that is none', (socket) => socket.write(serverHello('four')), /four/],
    ["a client's message", (socket) => socket.write(helloBytes('4.14.0')), /unexpected frame type 0x1/],
    [
      'a frame over the limit',
      (socket) => socket.write(withPreface(Buffer.from([0x12, 0x7f, 0xff, 0xff, 0xff]))),
      /over the limit/,
    ],
    ['another revision', (socket) => socket.write(encodePreface({ min: 5, max: 6 })), /5 to 6/],
  ])('%s: it is down, with the reason, and the others serve', async (_, answer, lastError) => {
    const odd = net.createServer((socket) => {
      socket.on('error', () => {});
      answer(socket.resume());
    });
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const sockets = new Set<net.Socket>();
    odd.on('connection', (socket) => sockets.add(socket));
    onTestFinished(() => {
      odd.close();
      for (const socket of sockets) socket.destroy();
    });
    await using fleet = await startFleet(realEnvironment, {
      servers: [{ version: '4.14.0' }],
      others: [{ id: 'odd', address: `tcp://127.0.0.1:${(odd.address() as net.AddressInfo).port}` }],
      // Only who says nothing is to be found late.
      timeouts: { dial: String(lastError).includes('in time') ? '500ms' : '15s', probe: '1h' },
    });
    expect(fleet.cluster.servers[1]).toMatchObject({ id: 'odd', state: 'down', version: null });
    expect(fleet.cluster.servers[1]?.lastError).toMatch(lastError);
    const session = await fleet.admit('4.14.0');
    expect(session.server.id).toBe('s1');
    session.destroy();
  });
});

describe('random bytes', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 });
  const valid = helloBytes('4.14.0');
  /** A hello with some of its bytes changed. */
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = Uint8Array.from(valid);
      for (const [at, byte] of changes) bytes[at] = byte;
      return [bytes];
    });

  async function send(world: VirtualEnvironment, fleet: Fleet, parts: readonly Uint8Array[]) {
    const before = fleet.log.handshakes.length;
    const client = await dialRaw(world, fleet.address());
    for (const part of parts) {
      client.connection.send(part);
      await world.clock.run(1);
    }
    client.connection.end();
    await world.clock.run(11_000);
    expect(client.closed).not.toBeUndefined();
    expect([fleet.gate.status().sessions, fleet.gate.status().handshakes]).toEqual([0, 0]);
    const records = fleet.log.handshakes.slice(before);
    expect(records).toHaveLength(1);
    return records[0]?.code as string;
  }

  test('always end in one refusal in the log, and the gate goes on', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      timeouts: { probe: '1h' },
    });
    const inputs = fc.oneof(
      chunks,
      chunks.map((parts) => [preface, ...parts]),
      chunks.map((parts) => [withPreface(encodeFrame(HELLO, Buffer.concat(parts)))]),
    );
    await fc.assert(
      fc.asyncProperty(inputs, async (parts) => {
        expect(await send(world, fleet, parts)).toMatch(/^(BAD_HANDSHAKE|PROTOCOL_UNSUPPORTED)$/);
      }),
      { numRuns: 150 },
    );
    expect(fleet.server(0).clients).toEqual([]);
    const session = await fleet.admit('4.14.0');
    session.destroy();
  });

  test('a hello with bytes changed is a hello or a refusal, never more', async () => {
    const world = virtualEnvironment();
    await using fleet = await startFleet(world, {
      servers: [{ version: '4.14.0' }],
      timeouts: { probe: '1h' },
    });
    await fc.assert(
      fc.asyncProperty(mutated, async (parts) => {
        const code = await send(world, fleet, parts);
        const admitted = fleet.log.codes.filter((other) => other === 'PERMITTED').length;
        expect(fleet.server(0).clients).toHaveLength(admitted);
        expect(code).not.toBe('HANDSHAKE_TIMEOUT');
      }),
      { numRuns: 150 },
    );
  });
});
