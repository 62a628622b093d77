/** The four state machines of the handshake, brought into any of their states, and one way to drive them all. */
import type { Receiver } from '../../proto/bad-inputs.ts';
import { ClientHandshake } from '../../src/handshake/client.ts';
import { GateHandshake } from '../../src/handshake/gate.ts';
import { ServerHandshake } from '../../src/handshake/server.ts';
import { UpstreamHandshake } from '../../src/handshake/upstream.ts';
import { encodeMessage, type MessageInput, type MessageName } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';
import { EXAMPLES } from './examples.ts';

/** A machine with its calls (by name) and one way in for bytes. */
export interface Machine {
  readonly state: () => string;
  receive(bytes: Uint8Array): unknown;
  readonly calls: Readonly<Record<string, () => Uint8Array>>;
}

const example = <Name extends MessageName>(name: Name) => EXAMPLES[name] as MessageInput<Name>;
export const bytesOf = (name: MessageName): Uint8Array => encodeMessage(name, EXAMPLES[name] as never);

export const MACHINES: Readonly<Record<Receiver, () => Machine>> = {
  client() {
    const machine = new ClientHandshake(example('hello'));
    return {
      state: () => machine.state,
      receive: (bytes) => machine.receive(bytes),
      calls: { start: () => machine.start() },
    };
  },
  gate() {
    const machine = new GateHandshake();
    return {
      state: () => machine.state,
      receive: (bytes) => machine.receive(bytes),
      calls: {
        wait: () => machine.wait(example('wait')),
        permit: () => machine.permit(example('permit')),
        refuse: () => machine.refuse(example('refuse')),
      },
    };
  },
  server() {
    const machine = new ServerHandshake();
    return {
      state: () => machine.state,
      receive: (bytes) => machine.receive(bytes),
      calls: {
        hello: () => machine.hello(example('serverHello')),
        progress: () => machine.progress(example('upgradeProgress')),
        result: () => machine.result(example('upgradeResult')),
      },
    };
  },
  'gate-upstream'() {
    const machine = new UpstreamHandshake();
    return {
      state: () => machine.state,
      receive: (bytes) => machine.receive(bytes),
      calls: {
        start: () => machine.start(example('identify')),
        open: () => machine.open(example('open')),
        upgrade: () => machine.upgrade(example('upgradeRequest')),
      },
    };
  },
};

/** `call()` or what is received: `preface`, a message's name, `junk` for a frame of no known type. */
export type Action = string;

export function perform(machine: Machine, action: Action): unknown {
  if (!action.endsWith('()')) return machine.receive(received(action));
  const call = machine.calls[action.slice(0, -2)];
  if (call === undefined) throw new Error(`no call ${action}`);
  return call();
}

function received(action: Action): Uint8Array {
  if (action === 'preface') return encodePreface();
  if (action === 'junk') return Uint8Array.of(0x7f, 0, 0, 0, 0);
  return bytesOf(action as MessageName);
}

/** The shortest way to each state. */
const WAYS: Readonly<Record<Receiver, Readonly<Record<string, readonly Action[]>>>> = {
  client: {
    created: [],
    greeting: ['start()'],
    awaiting: ['start()', 'preface'],
    open: ['start()', 'preface', 'permit'],
    refused: ['start()', 'preface', 'refuse'],
    broken: ['start()', 'preface', 'junk'],
  },
  gate: {
    preface: [],
    hello: ['preface'],
    deciding: ['preface', 'hello'],
    permitted: ['preface', 'hello', 'permit()'],
    refused: ['refuse()'],
  },
  server: {
    preface: [],
    identify: ['preface'],
    identifying: ['preface', 'identify'],
    known: ['preface', 'identify', 'hello()'],
    upgrading: ['preface', 'identify', 'hello()', 'upgradeRequest'],
    open: ['preface', 'identify', 'hello()', 'open'],
  },
  'gate-upstream': {
    created: [],
    greeting: ['start()'],
    identifying: ['start()', 'preface'],
    known: ['start()', 'preface', 'serverHello'],
    upgrading: ['start()', 'preface', 'serverHello', 'upgrade()'],
    open: ['start()', 'preface', 'serverHello', 'open()'],
  },
};

export const statesOf = (kind: Receiver): string[] => Object.keys(WAYS[kind]);

export function machineIn(kind: Receiver, state: string): Machine {
  const machine = MACHINES[kind]();
  for (const action of WAYS[kind][state] ?? []) {
    try {
      perform(machine, action);
    } catch (error) {
      if (state !== 'broken') throw error;
    }
  }
  if (machine.state() !== state) throw new Error(`${kind} is in ${machine.state()}, not ${state}`);
  return machine;
}
