/** A client that knows only proto/README.md talks to a real gate. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { VECTORS } from '../support/examples.ts';
import { type Fleet, startFleet } from '../support/gate.ts';
import { GateBytes, greeting, PERMIT, REFUSE, read, talk } from './mini-client.ts';

const LIMIT = 8_000;
let fleet: Fleet;
const portOf = (at: number) => Number(new URL(fleet.address(at)).port);

beforeAll(async () => {
  fleet = await startFleet(realEnvironment, {
    servers: [{ version: '4.14.0' }, { version: '4.14.1' }],
    listen: [{ tcp: '127.0.0.1:0' }, { ws: '127.0.0.1:0' }],
    migration: { ledger: 'memory:' },
  });
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe('over TCP', () => {
  const say = (bytes: Uint8Array) => talk(portOf(0), bytes, AbortSignal.timeout(LIMIT));

  test('a client inside the window is admitted, and its early bytes come back from the server', async () => {
    const hello = {
      version: '4.13.2',
      driver: 'mini',
      properties: { user: 'ada' },
      later: [1, null, { x: true }],
    };
    const { revisions, frames, raw } = await say(
      Buffer.concat([greeting(hello), Buffer.from('early bytes')]),
    );
    expect(revisions).toEqual([1, 1]);
    expect(frames.map(({ type }) => type)).toEqual([PERMIT]);
    expect(frames[0]?.value).toMatchObject({
      session: expect.stringMatching(/./),
      server: { id: expect.stringMatching(/^s[12]$/), version: expect.stringMatching(/^4\.14\.[01]$/) },
      decision: { verdict: 'permit', code: 'PERMITTED', client: '4.13.2' },
    });
    expect(raw).toBe('early bytes');
  });

  test('a client newer than the servers is refused with all it needs to know, and no server hears of it', async () => {
    const before = fleet.servers.map(({ received, clients }) => [received, clients.length]);
    const { frames, raw } = await say(
      Buffer.concat([greeting({ version: '4.15.0' }), Buffer.from('not for the server')]),
    );
    expect(frames.map(({ type }) => type)).toEqual([REFUSE]);
    expect(frames[0]?.value).toMatchObject({
      verdict: 'refuse',
      code: 'SERVER_OUTDATED',
      rule: 'M1',
      client: '4.15.0',
      observed: { oldest: '4.14.0', newest: '4.14.1' },
      move: { side: 'server', to: '4.15' },
      retry: 'after-change',
      vendorCode: 2007,
      sqlState: 'INT09',
    });
    expect(raw).toBe('');
    expect(fleet.servers.map(({ received, clients }) => [received, clients.length])).toEqual(before);
  });

  test('a later revision is refused in this one', async () => {
    const { revisions, frames } = await say(Buffer.from('f5534b4702090000', 'hex'));
    expect(revisions).toEqual([1, 1]);
    expect(frames).toMatchObject([{ type: REFUSE, value: { code: 'PROTOCOL_UNSUPPORTED', retry: 'never' } }]);
  });

  test('a wrong type is refused with the name of the field', async () => {
    const { frames } = await say(greeting({ version: 4.14 }));
    expect(frames).toMatchObject([
      { type: REFUSE, value: { code: 'BAD_HANDSHAKE', message: expect.stringContaining('ello.version') } },
    ]);
  });
});

describe('over WebSocket', () => {
  /** Sends the messages and waits for the close. */
  async function say(messages: readonly (string | Uint8Array<ArrayBuffer>)[]) {
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(1)}/any/path`);
    socket.binaryType = 'arraybuffer';
    const gate = new GateBytes();
    let ended = false;
    socket.addEventListener('open', () => {
      for (const message of messages) socket.send(message);
    });
    socket.addEventListener('message', ({ data }) => {
      const bytes = new Uint8Array(data as ArrayBuffer);
      if (bytes.length === 0) ended = true;
      gate.push(bytes);
    });
    const closed = Promise.withResolvers<CloseEvent>();
    socket.addEventListener('close', closed.resolve);
    AbortSignal.timeout(LIMIT).addEventListener('abort', () =>
      closed.reject(new Error('not closed in time')),
    );
    const { code, reason } = await closed.promise;
    return { code, reason, ended, ...read(gate) };
  }
  const bytes = (buffer: Buffer) => Uint8Array.from(buffer);

  test('a preface cut by messages, early bytes, and an empty message for the end', async () => {
    const hello = bytes(greeting({ version: '4.14.0' }));
    const { frames, raw, ended, code } = await say([
      hello.slice(0, 3),
      hello.slice(3, 11),
      hello.slice(11),
      bytes(Buffer.from('ping')),
      new Uint8Array(0),
    ]);
    expect(frames.map(({ type }) => type)).toEqual([PERMIT]);
    expect({ raw, ended, code }).toEqual({ raw: 'ping', ended: true, code: 1000 });
  });

  test('a refusal comes as a frame and as close code and reason', async () => {
    const { frames, code, reason } = await say([bytes(greeting({ version: '4.15.0' }))]);
    expect(frames).toMatchObject([{ type: REFUSE, value: { code: 'SERVER_OUTDATED' } }]);
    expect(code).toBe(4002);
    expect(reason).toMatch(/^SERVER_OUTDATED: /);
  });

  test('text is refused with 1003', async () => {
    const { code, frames } = await say(['hello']);
    expect(code).toBe(1003);
    expect(frames).toEqual([]);
  });
});

describe('words of a later gate', () => {
  test.each(
    VECTORS.goodInputs
      .filter(({ message }) => message === 'refuse')
      .map((input) => [input.name, input] as const),
  )('%s is read as the vectors say', (_name, { hex, read: expected }) => {
    const gate = new GateBytes();
    gate.push(Buffer.from(`f5534b4701010000${hex}`, 'hex'));
    expect(read(gate).frames).toMatchObject([{ type: REFUSE, value: expected as object }]);
  });
});
