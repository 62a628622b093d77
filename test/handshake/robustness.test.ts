import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Receiver } from '../../proto/bad-inputs.ts';
import { MisuseError, WireFault } from '../../src/wire/fault.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { MESSAGES } from '../../src/wire/messages.ts';
import { encodeValue } from '../../src/wire/msgpack.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { chunkSizes, chunksBy } from '../support/chunks.ts';
import { NAMES } from '../support/examples.ts';
import { bytesOf, MACHINES, machineIn, perform, statesOf } from '../support/machines.ts';

const KINDS = Object.keys(MACHINES) as Receiver[];

/** What a hostile or confused peer may send: pieces that are right on their own, and garbage. */
const pieces = fc.oneof(
  fc.constant(encodePreface()),
  fc.constantFrom(...NAMES).map(bytesOf),
  fc.uint8Array({ maxLength: 60 }),
  fc
    .tuple(fc.constantFrom(...NAMES), fc.object({ maxDepth: 2 }))
    .map(([name, value]) => encodeFrame(MESSAGES[name].type, encodeValue(value))),
  fc.tuple(fc.constantFrom(...NAMES), fc.nat(), fc.integer({ min: 0, max: 255 })).map(([name, at, byte]) => {
    const bytes = Uint8Array.from(bytesOf(name));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
);
const streams = fc.array(pieces, { maxLength: 6 }).map((list) => new Uint8Array(Buffer.concat(list)));

describe.each(KINDS)('%s', (kind) => {
  const states = statesOf(kind);

  test('whatever the peer sends, in whatever chunks: events or a WireFault, never anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...states), streams, chunkSizes, (state, bytes, sizes) => {
        const machine = machineIn(kind, state);
        try {
          for (const chunk of chunksBy(bytes, sizes)) machine.receive(chunk);
        } catch (error) {
          // Reading on where the handshake is over is this test's misuse, not the peer's.
          if (!(error instanceof MisuseError)) expect(error).toBeInstanceOf(WireFault);
        }
        expect(states).toContain(machine.state());
      }),
      { numRuns: 300 },
    );
  });

  test('chunks mean nothing: the same end byte by byte as at once', () => {
    const endOf = (state: string, chunks: readonly Uint8Array[]): string => {
      const machine = machineIn(kind, state);
      try {
        for (const chunk of chunks) machine.receive(chunk);
      } catch (error) {
        if (error instanceof WireFault) return `${error.code}: ${error.message}`;
        if (!(error instanceof MisuseError)) throw error;
      }
      return machine.state();
    };
    fc.assert(
      fc.property(fc.constantFrom(...states), streams, chunkSizes, (state, bytes, sizes) => {
        const atOnce = endOf(state, [bytes]);
        expect(endOf(state, chunksBy(bytes, [1]))).toBe(atOnce);
        expect(endOf(state, chunksBy(bytes, sizes))).toBe(atOnce);
      }),
      { numRuns: 150 },
    );
  });

  test('calls and messages in any order: MisuseError or WireFault, and always a known state', () => {
    const calls = Object.keys(MACHINES[kind]().calls).map((name) => `${name}()`);
    const actions = fc.array(fc.constantFrom(...calls, 'preface', 'junk', ...NAMES), { maxLength: 12 });
    fc.assert(
      fc.property(actions, (list) => {
        const machine = MACHINES[kind]();
        for (const action of list) {
          const before = machine.state();
          try {
            perform(machine, action);
          } catch (error) {
            if (error instanceof MisuseError) expect(machine.state()).toBe(before);
            else expect(error).toBeInstanceOf(WireFault);
            if (action.endsWith('()')) expect(error).toBeInstanceOf(MisuseError);
          }
          expect(states).toContain(machine.state());
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('a peer that announces 64 KiB and drips holds no more than it sent', () => {
  const gates = Array.from({ length: 1_000 }, () => machineIn('gate', 'hello'));
  const before = process.memoryUsage().arrayBuffers;
  for (const gate of gates) gate.receive(Uint8Array.of(0x01, 0x00, 0x01, 0x00, 0x00, 0x81));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
  expect(gates.every((gate) => gate.state() === 'hello')).toBe(true);
});
