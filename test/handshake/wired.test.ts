/** The machines of client, gate and server, wired together through random chunking. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientEvent, ClientHandshake } from '../../src/handshake/client.ts';
import { GateHandshake, type HelloEvent } from '../../src/handshake/gate.ts';
import { StrayPeer } from '../../src/handshake/preface.ts';
import { type ServerEvent, ServerHandshake } from '../../src/handshake/server.ts';
import { type UpstreamEvent, UpstreamHandshake } from '../../src/handshake/upstream.ts';
import { WireFault } from '../../src/wire/fault.ts';
import { encodeMessage } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { chunkSizes, chunksBy } from '../support/chunks.ts';
import { DECODED } from '../support/examples.ts';

const { hello, permit, wait, refuse, identify, serverHello, open, upgradeRequest } = DECODED;
const concat = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const bytes = fc.uint8Array({ maxLength: 3_000 });

/** Feeds a gate; what follows the hello, in the same chunk or later, is early. */
function greetGate(gate: GateHandshake, chunks: readonly Uint8Array[]) {
  let heard: HelloEvent | null = null;
  const early: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (gate.state === 'deciding') early.push(chunk);
    else {
      heard = gate.receive(chunk);
      if (heard !== null) early.push(heard.early);
    }
  }
  return { heard: heard as HelloEvent | null, early: concat(...early) };
}

/** Feeds a client; what follows the permit is the session's. */
function answerClient(client: ClientHandshake, chunks: readonly Uint8Array[]) {
  const events: ClientEvent[] = [];
  const raw: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (client.state === 'open') raw.push(chunk);
    else
      for (const event of client.receive(chunk)) {
        events.push(event);
        if (event.kind === 'permit') raw.push(event.early);
      }
  }
  return { events, raw: concat(...raw) };
}

describe('client and gate', () => {
  test('permit: early bytes both ways come through whole, however they are cut', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat(3), chunkSizes, chunkSizes, (early, greeting, waits, up, down) => {
        const client = new ClientHandshake(hello);
        const gate = new GateHandshake();
        const { heard, early: kept } = greetGate(gate, chunksBy(concat(client.start(), early), up));
        expect(heard?.hello).toEqual(hello);
        expect(heard?.revision).toBe(1);
        expect(kept).toEqual(early);
        const answers = Array.from({ length: waits }, () => gate.wait(wait));
        const answer = concat(...answers, gate.permit(permit), greeting);
        const { events, raw } = answerClient(client, chunksBy(answer, down));
        expect(events.map(({ kind }) => kind)).toEqual([...answers.map(() => 'wait'), 'permit']);
        expect(events.at(-1)).toMatchObject({ permit });
        expect(raw).toEqual(greeting);
        expect([client.state, gate.state]).toEqual(['open', 'permitted']);
      }),
      { numRuns: 150 },
    );
  });

  test('refuse: the client gets every field, and no session', () => {
    fc.assert(
      fc.property(bytes, fc.nat(2), chunkSizes, chunkSizes, (early, waits, up, down) => {
        const client = new ClientHandshake(hello);
        const gate = new GateHandshake();
        greetGate(gate, chunksBy(concat(client.start(), early), up));
        const answers = Array.from({ length: waits }, () => gate.wait(wait));
        const { events, raw } = answerClient(client, chunksBy(concat(...answers, gate.refuse(refuse)), down));
        expect(events.at(-1)).toEqual({ kind: 'refuse', refuse });
        expect(raw).toHaveLength(0);
        expect([client.state, gate.state]).toEqual(['refused', 'refused']);
      }),
      { numRuns: 60 },
    );
  });

  test('a gate refuses before it has read anything, and the client understands', () => {
    const client = new ClientHandshake(hello);
    client.start();
    expect(client.receive(new GateHandshake().refuse(refuse))).toEqual([{ kind: 'refuse', refuse }]);
  });

  test('no revision in common: the gate says what it speaks, the client gets the refusal', () => {
    const gate = new GateHandshake();
    const fault = faultOf(() => gate.receive(encodePreface({ min: 2, max: 4 })));
    expect(fault.code).toBe('PROTOCOL_UNSUPPORTED');
    expect(fault.message).toBe('the peer speaks protocol revision 2 to 4, this gate speaks 1');
    expect(Buffer.from(gate.refuse(refuse)).subarray(0, 8)).toEqual(Buffer.from(encodePreface()));
  });

  test('a gate of later revisions can refuse this client, but not admit it', () => {
    const later = encodePreface({ min: 2, max: 2 });
    const client = new ClientHandshake(hello);
    client.start();
    expect(client.receive(concat(later, encodeMessage('refuse', refuse)))).toMatchObject([
      { kind: 'refuse' },
    ]);
    const other = new ClientHandshake(hello);
    other.start();
    const fault = faultOf(() => other.receive(concat(later, encodeMessage('permit', permit))));
    expect(fault.code).toBe('PROTOCOL_UNSUPPORTED');
    expect(other.state).toBe('broken');
  });

  test('the gate answers a range with the agreed revision alone', () => {
    const gate = new GateHandshake();
    const heard = gate.receive(concat(encodePreface({ min: 1, max: 9 }), encodeMessage('hello', hello)));
    expect(heard?.revision).toBe(1);
    expect([...gate.wait(wait).subarray(4, 6)]).toEqual([1, 1]);
  });

  test.each([
    ['GET / HTTP/1.1\r\n', 'http'],
    ['\u0016\u0003\u0001', 'tls'],
    ['hello?', 'unknown'],
  ] as const)('a stray %j is told apart at its first byte, before anything is decoded', (text, speaks) => {
    const fault = faultOf(() => new GateHandshake().receive(Buffer.from(text).subarray(0, 1)));
    expect(fault).toBeInstanceOf(StrayPeer);
    expect(fault).toMatchObject({ speaks, code: 'BAD_HANDSHAKE' });
  });
});

describe('gate and server', () => {
  /** Both prefaces, identify, serverHello. */
  function acquaint(sizes: readonly number[]) {
    const gate = new UpstreamHandshake();
    const server = new ServerHandshake();
    const asked = chunksBy(gate.start(identify), sizes).flatMap((chunk) => server.receive(chunk));
    const heard = chunksBy(server.hello(serverHello), sizes).flatMap((chunk) => gate.receive(chunk));
    expect(asked).toEqual([{ kind: 'identify', identify }]);
    expect(heard).toEqual([{ kind: 'hello', hello: serverHello }]);
    return { gate, server };
  }

  test('open: early bytes reach the server whole, however they are cut', () => {
    fc.assert(
      fc.property(bytes, chunkSizes, (early, sizes) => {
        const { gate, server } = acquaint(sizes);
        const events: ServerEvent[] = [];
        const raw: Uint8Array[] = [];
        for (const chunk of chunksBy(concat(gate.open(open), early), sizes)) {
          if (server.state === 'open') raw.push(chunk);
          else
            for (const event of server.receive(chunk)) {
              events.push(event);
              if (event.kind === 'open') raw.push(event.early);
            }
        }
        expect(events).toMatchObject([{ kind: 'open', open }]);
        expect(concat(...raw)).toEqual(early);
        expect([gate.state, server.state]).toEqual(['open', 'open']);
      }),
      { numRuns: 100 },
    );
  });

  test('upgrades, one after the other, then a session on the same connection', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }), chunkSizes, (steps, sizes) => {
        const { gate, server } = acquaint(sizes);
        for (const [at, news] of steps.entries()) {
          const request = { ...upgradeRequest, step: at + 1, token: 7 + at };
          const got = chunksBy(gate.upgrade(request), sizes).flatMap((chunk) => server.receive(chunk));
          expect(got).toEqual([{ kind: 'upgrade', request }]);
          const told = [
            ...Array.from({ length: news }, (_, part) =>
              server.progress({ done: part / 4, text: `${part}` }),
            ),
            server.result({ level: 28 + at, error: null }),
          ];
          const heard: UpstreamEvent[] = chunksBy(concat(...told), sizes).flatMap((c) => gate.receive(c));
          expect(heard.map(({ kind }) => kind)).toEqual([...Array(news).fill('progress'), 'result']);
          expect(heard.at(-1)).toEqual({ kind: 'result', result: { level: 28 + at, error: null } });
          expect([gate.state, server.state]).toEqual(['known', 'known']);
        }
        expect(server.receive(gate.open(open))).toMatchObject([{ kind: 'open', open }]);
      }),
      { numRuns: 60 },
    );
  });

  test('a server of later revisions is none for this gate', () => {
    const gate = new UpstreamHandshake();
    gate.start(identify);
    const fault = faultOf(() => gate.receive(encodePreface({ min: 2, max: 3 })));
    expect(fault.code).toBe('PROTOCOL_UNSUPPORTED');
  });
});

function faultOf(act: () => unknown): WireFault {
  try {
    act();
  } catch (error) {
    if (error instanceof WireFault) return error;
    throw error;
  }
  throw new Error('no fault');
}
