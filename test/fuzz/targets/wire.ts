/** The protocol's own bytes: payloads, and the four state machines in each of their states. */
import type { Receiver } from '../../../proto/bad-inputs.ts';
import { WireFault } from '../../../src/wire/fault.ts';
import { decodeMessage, encodeMessage, type MessageName } from '../../../src/wire/messages.ts';
import { encodePreface } from '../../../src/wire/preface.ts';
import { NAMES, VECTORS } from '../../support/examples.ts';
import { bytesOf, MACHINES, machineIn, statesOf } from '../../support/machines.ts';
import { allowing, type OpenTarget } from '../target.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const FIELDS = [
  'version',
  'driver',
  'properties',
  'upgrade',
  'protocol',
  'token',
  'level',
  'decision',
  '__proto__',
  'constructor',
  '4.14.0',
];

/** A first byte that chooses, and the rest. */
const chosen = (which: number, rest: Uint8Array) => Buffer.concat([Buffer.of(which), rest]);

/** A message's payload; the first byte chooses which message it is taken for. What is read can be written and read again. */
export const openMessages: OpenTarget = async () => ({
  corpus: NAMES.map((name, at) => chosen(at, bytesOf(name).subarray(5))),
  words: FIELDS,
  longest: 4_096,
  run(input) {
    const name = NAMES[(input[0] ?? 0) % NAMES.length] as MessageName;
    const read = (payload: Uint8Array) => decodeMessage(name, { type: 0, payload });
    const message = allowing([WireFault], () => read(input.subarray(1)));
    if (message === undefined) return;
    const again = read(encodeMessage(name, message).slice(5));
    if (JSON.stringify(again) !== JSON.stringify(message))
      throw new Error(`${name} is another one, read again`);
  },
});

const STATES = (Object.keys(MACHINES) as Receiver[]).flatMap((kind) =>
  statesOf(kind)
    // Whoever reads on there is at fault itself.
    .filter((state) =>
      ['preface', 'hello', 'identify', 'greeting', 'awaiting', 'identifying', 'known', 'upgrading'].includes(
        state,
      ),
    )
    .map((state) => ({ kind, state })),
);

/** A peer's bytes: the first byte chooses machine and state, the second the size of the chunks that they come in. */
export const openHandshake: OpenTarget = async () => ({
  corpus: [
    ...STATES.flatMap((_, at) => NAMES.map((name) => chosen(at, chosen(16, bytesOf(name))))),
    ...STATES.map((_, at) => chosen(at, chosen(1, Buffer.concat([encodePreface(), bytesOf('hello')])))),
    ...VECTORS.badInputs.map(({ hex: bytes }, at) => chosen(at % STATES.length, chosen(255, hex(bytes)))),
  ],
  words: [...FIELDS, Buffer.from(encodePreface()).toString('latin1')],
  longest: 2_048,
  run(input) {
    const { kind, state } = STATES[(input[0] ?? 0) % STATES.length] as (typeof STATES)[number];
    const size = Math.max(1, input[1] ?? 1);
    const ends = [size, input.length].map((step) => endOf(kind, state, input.subarray(2), step));
    if (ends[0] !== ends[1]) throw new Error(`in chunks of ${size}: ${ends[0]}, at once: ${ends[1]}`);
  },
});

/** Where a machine is after these bytes, or why it broke off. */
function endOf(kind: Receiver, state: string, bytes: Uint8Array, size: number): string {
  const machine = machineIn(kind, state);
  for (let at = 0; at < bytes.length; at += size) {
    try {
      machine.receive(bytes.subarray(at, at + size));
    } catch (error) {
      if (error instanceof WireFault) return `${error.code}: ${error.message}`;
      // A handshake that is over is not read on.
      if ((error as Error).name === 'MisuseError') break;
      throw error;
    }
  }
  return machine.state();
}
