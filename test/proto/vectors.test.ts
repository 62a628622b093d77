/** proto/vectors.json against the code: the bytes, what they mean, and what every bad input does. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BadInput, Receiver } from '../../proto/bad-inputs.ts';
import type { Conversation, Part, Step } from '../../proto/vectors.ts';
import { MisuseError, WireFault } from '../../src/wire/fault.ts';
import { FrameReader } from '../../src/wire/frame.ts';
import { decodeMessage, encodeMessage, MESSAGES, type MessageName } from '../../src/wire/messages.ts';
import { encodePreface, readPreface } from '../../src/wire/preface.ts';
import { NAMES, VECTORS } from '../support/examples.ts';
import { machineIn } from '../support/machines.ts';

const { prefaces, messages, conversations, badInputs, goodInputs } = VECTORS;
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test.each(prefaces)('preface, $name', ({ hex, revisions }) => {
  expect(toHex(encodePreface(revisions))).toBe(hex);
  expect(readPreface(fromHex(hex))).toEqual({ kind: 'preface', revisions });
});

describe('messages', () => {
  test('every message has one', () => {
    expect([...new Set(messages.map(({ message }) => message))].sort()).toEqual([...NAMES].sort());
  });

  test('every field is stated in one, and every one that may be left out is left out in one', () => {
    for (const name of NAMES) {
      const mine = messages.filter(({ message }) => message === name);
      const written = new Set(mine.flatMap(({ value }) => Object.keys(value as object)));
      for (const [field, schema] of Object.entries(MESSAGES[name].schema.shape)) {
        expect(written, `${name}.${field}`).toContain(field);
        const optional = schema.safeParse(undefined).success;
        const leftOut = mine.some(({ value }) => !(field in (value as object)));
        expect(leftOut, `${name}.${field}`).toBe(optional);
      }
    }
  });

  test.each(messages)('$name', ({ message, type, hex, value, read }) => {
    expect(toHex(encodeMessage(message, value as never))).toBe(hex);
    expect(type).toBe(MESSAGES[message].type);
    const reader = new FrameReader((seen) => seen === type);
    reader.push(fromHex(hex));
    const frame = reader.next();
    expect(frame).not.toBeNull();
    expect(decodeMessage(message, frame as NonNullable<typeof frame>)).toEqual(read);
    expect(reader.buffered).toBe(0);
  });
});

describe('conversations', () => {
  const has = (conversation: Conversation, message: MessageName) =>
    conversation.steps.some(({ parts }) =>
      parts.some((part) => 'message' in part && part.message === message),
    );

  test('every message is said in one', () => {
    for (const name of NAMES)
      expect(
        conversations.some((talk) => has(talk, name)),
        name,
      ).toBe(true);
  });

  test.each(conversations)('$name: each step is its parts, and goes the way its messages go', ({ steps }) => {
    for (const { from, to, hex, parts } of steps) {
      expect(parts.map(bytesOfPart).join('')).toBe(hex);
      for (const part of parts)
        if ('message' in part)
          expect([from, to]).toEqual([MESSAGES[part.message].from, MESSAGES[part.message].to]);
    }
  });

  test.each(conversations)('$name: the state machines understand it and end where they should', (talk) => {
    const seen = {
      gate: play(
        'gate',
        talk.steps.filter(({ from }) => from === 'client'),
      ),
      client: play(
        'client',
        talk.steps.filter(({ to }) => to === 'client'),
      ),
      server: play(
        'server',
        talk.steps.filter(({ to }) => to === 'server'),
      ),
      upstream: play(
        'gate-upstream',
        talk.steps.filter(({ from }) => from === 'server'),
      ),
    };
    expect(seen).toEqual(ENDS[talk.name]);
  });
});

/** Where each machine is after it read all that was sent to it; a fault by its code. */
const ENDS: Readonly<Record<string, object>> = {
  permit: { gate: 'deciding', client: 'open', server: 'open', upstream: 'open' },
  'wait, then permit': { gate: 'deciding', client: 'open', server: 'open', upstream: 'open' },
  refuse: { gate: 'deciding', client: 'refused', server: 'preface', upstream: 'greeting' },
  'no revision in common': {
    gate: 'PROTOCOL_UNSUPPORTED',
    client: 'refused',
    server: 'preface',
    upstream: 'greeting',
  },
  probe: { gate: 'preface', client: 'greeting', server: 'identifying', upstream: 'known' },
  upgrade: { gate: 'preface', client: 'greeting', server: 'upgrading', upstream: 'known' },
  'upgrade with a stale token': {
    gate: 'preface',
    client: 'greeting',
    server: 'upgrading',
    upstream: 'known',
  },
  'upgrade with a token that another ledger gave': {
    gate: 'preface',
    client: 'greeting',
    server: 'upgrading',
    upstream: 'known',
  },
};

const START: Readonly<Record<Receiver, string>> = {
  client: 'greeting',
  gate: 'preface',
  server: 'preface',
  'gate-upstream': 'greeting',
};

/** Feeds the steps; calls what this side has to call in between. */
function play(kind: Receiver, steps: readonly Step[]): string {
  const machine = machineIn(kind, START[kind]);
  for (const step of steps) {
    if (kind === 'server' && machine.state() === 'identifying') machine.calls.hello?.();
    if (kind === 'gate-upstream' && machine.state() === 'known')
      machine.calls['message' in (step.parts[0] as Part) ? 'upgrade' : 'open']?.();
    if (['open', 'refused', 'permitted'].includes(machine.state())) {
      // From here on all is raw.
      expect(step.parts.every((part) => 'raw' in part)).toBe(true);
      continue;
    }
    try {
      machine.receive(fromHex(step.hex));
    } catch (error) {
      if (error instanceof WireFault) return error.code;
      throw error;
    }
  }
  return machine.state();
}

function bytesOfPart(part: Part): string {
  if ('raw' in part) return part.raw;
  if ('preface' in part) return toHex(encodePreface(part.preface));
  return toHex(encodeMessage(part.message, part.value as never));
}

describe('bad inputs', () => {
  const name = ({ receiver, state, name: what }: BadInput) => `${receiver}, ${state}: ${what}`;
  const faulty = badInputs.filter(({ at }) => at !== null);

  test.each(faulty.map((input) => [name(input), input] as const))('%s', (_name, input) => {
    const machine = machineIn(input.receiver, input.state);
    const bytes = fromHex(input.hex);
    const at = input.at as number;
    for (const byte of bytes.subarray(0, at - 1)) machine.receive(Uint8Array.of(byte));
    const last = () => machine.receive(bytes.subarray(at - 1, at));
    expect(faultOf(last)).toEqual({
      code: input.code,
      message: expect.stringContaining(input.message as string),
    });
    expect(faultOf(() => machineIn(input.receiver, input.state).receive(bytes))).toMatchObject({
      code: input.code,
    });
  });

  test.each(badInputs.filter(({ at }) => at === null).map((input) => [name(input), input] as const))(
    'waits for more: %s',
    (_name, { receiver, state, hex }) => {
      const machine = machineIn(receiver, state);
      for (const byte of fromHex(hex)) machine.receive(Uint8Array.of(byte));
      expect(machine.state()).toBe(state);
    },
  );

  test('every fault that the code can find has one', () => {
    const said = badInputs.map(({ message }) => message ?? '');
    for (const pattern of faultPatterns())
      expect(
        said.some((text) => pattern.test(text)),
        String(pattern),
      ).toBe(true);
  });
});

describe('good inputs', () => {
  test.each(goodInputs.map((input) => [input.name, input] as const))('%s', (_name, input) => {
    const { receiver, state, hex, message, read } = input;
    const machine = machineIn(receiver, state);
    machine.receive(fromHex(hex));
    expect(machine.state()).toBe(message === 'wait' ? state : AFTER[message]);
    const bytes = fromHex(hex);
    const frame = { type: bytes[0] as number, payload: bytes.subarray(5) };
    expect(decodeMessage(message, frame)).toEqual(read);
  });
});

/** Where a receiver is once it has accepted the message. */
const AFTER: Readonly<Record<string, string>> = {
  hello: 'deciding',
  refuse: 'refused',
  serverHello: 'known',
};

function faultOf(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (error instanceof WireFault) return { code: error.code, message: error.message };
    if (!(error instanceof MisuseError)) throw error;
  }
  return null;
}

/** Behind the walk over the payload msgpackr finds nothing to complain about; that catch is for the worst case. */
const UNREACHABLE = 'the payload is not MessagePack';

/** What `new WireFault(…)` and the stray peers say in the sources, with holes for what varies. */
function faultPatterns(): RegExp[] {
  const texts = ['wire', 'handshake'].flatMap((folder) => {
    const root = new URL(`../../src/${folder}/`, import.meta.url);
    return readdirSync(root).flatMap((file) => {
      const source = readFileSync(new URL(file, root), 'utf8');
      const thrown = [...source.matchAll(/new WireFault\(\s*(['`])(.*?)\1[,)]/gs)].map(
        (match) => match[2] as string,
      );
      const strays = [...source.matchAll(/^ {2}(?:http|tls|unknown): '(.*)',$/gm)].map(
        (match) => match[1] as string,
      );
      return [...thrown, ...strays];
    });
  });
  expect(texts.length).toBeGreaterThan(15);
  return texts
    .filter((text) => text !== UNREACHABLE)
    .map(
      (text) =>
        new RegExp(
          `^${text
            .split(/\$\{[^}]*\}/)
            .map(literally)
            .join('.*')}`,
        ),
    );
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
