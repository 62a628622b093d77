/**
 * Every state of every machine against everything that can be called or received there: the legal ways exist,
 * and all others are errors, of this side (misuse) or of the peer (fault).
 */
import { describe, expect, test } from 'vitest';
import type { Receiver } from '../../proto/bad-inputs.ts';
import { MisuseError, WireFault } from '../../src/wire/fault.ts';
import { machineIn, perform, statesOf } from '../support/machines.ts';

/** Per state and action: the next state, `misuse`, `fault`, or `kept` for bytes that wait for a later state. */
type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const all = (actions: readonly string[], outcome: string) =>
  Object.fromEntries(actions.map((action) => [action, outcome]));

const CLIENT_IN = ['preface', 'wait', 'permit', 'refuse', 'hello', 'junk'];
const CLIENT_OVER = { 'start()': 'misuse', ...all(CLIENT_IN, 'misuse') };
const GATE_IN = ['preface', 'hello', 'permit', 'junk'];
const GATE_OUT = ['wait()', 'permit()', 'refuse()'];
const GATE_OVER = { ...all(GATE_IN, 'misuse'), ...all(GATE_OUT, 'misuse') };
const SERVER_IN = ['preface', 'identify', 'open', 'upgradeRequest', 'serverHello', 'junk'];
const SERVER_OUT = ['hello()', 'progress()', 'result()'];
const UPSTREAM_IN = ['preface', 'serverHello', 'upgradeProgress', 'upgradeResult', 'identify', 'junk'];
const UPSTREAM_OUT = ['start()', 'open()', 'upgrade()'];

const TABLES: Readonly<Record<Receiver, Table>> = {
  client: {
    created: { 'start()': 'greeting', ...all(CLIENT_IN, 'kept') },
    greeting: { 'start()': 'misuse', ...all(CLIENT_IN, 'fault'), preface: 'awaiting' },
    awaiting: {
      'start()': 'misuse',
      ...all(CLIENT_IN, 'fault'),
      wait: 'awaiting',
      permit: 'open',
      refuse: 'refused',
    },
    open: CLIENT_OVER,
    refused: CLIENT_OVER,
    broken: CLIENT_OVER,
  },
  gate: {
    preface: {
      ...all(GATE_IN, 'fault'),
      preface: 'hello',
      ...all(GATE_OUT, 'misuse'),
      'refuse()': 'refused',
    },
    hello: { ...all(GATE_IN, 'fault'), hello: 'deciding', ...all(GATE_OUT, 'misuse'), 'refuse()': 'refused' },
    deciding: {
      ...all(GATE_IN, 'misuse'),
      'wait()': 'deciding',
      'permit()': 'permitted',
      'refuse()': 'refused',
    },
    permitted: GATE_OVER,
    refused: GATE_OVER,
  },
  server: {
    preface: { ...all(SERVER_IN, 'fault'), preface: 'identify', ...all(SERVER_OUT, 'misuse') },
    identify: { ...all(SERVER_IN, 'fault'), identify: 'identifying', ...all(SERVER_OUT, 'misuse') },
    identifying: { ...all(SERVER_IN, 'kept'), ...all(SERVER_OUT, 'misuse'), 'hello()': 'known' },
    known: {
      ...all(SERVER_IN, 'fault'),
      open: 'open',
      upgradeRequest: 'upgrading',
      ...all(SERVER_OUT, 'misuse'),
    },
    upgrading: {
      ...all(SERVER_IN, 'kept'),
      'hello()': 'misuse',
      'progress()': 'upgrading',
      'result()': 'known',
    },
    open: { ...all(SERVER_IN, 'misuse'), ...all(SERVER_OUT, 'misuse') },
  },
  'gate-upstream': {
    created: { ...all(UPSTREAM_IN, 'kept'), ...all(UPSTREAM_OUT, 'misuse'), 'start()': 'greeting' },
    greeting: { ...all(UPSTREAM_IN, 'fault'), preface: 'identifying', ...all(UPSTREAM_OUT, 'misuse') },
    identifying: { ...all(UPSTREAM_IN, 'fault'), serverHello: 'known', ...all(UPSTREAM_OUT, 'misuse') },
    known: {
      ...all(UPSTREAM_IN, 'fault'),
      'start()': 'misuse',
      'open()': 'open',
      'upgrade()': 'upgrading',
    },
    upgrading: {
      ...all(UPSTREAM_IN, 'fault'),
      upgradeProgress: 'upgrading',
      upgradeResult: 'known',
      ...all(UPSTREAM_OUT, 'misuse'),
    },
    open: { ...all(UPSTREAM_IN, 'misuse'), ...all(UPSTREAM_OUT, 'misuse') },
  },
};

function outcomeOf(kind: Receiver, state: string, action: string): string {
  const machine = machineIn(kind, state);
  let events: unknown;
  try {
    events = perform(machine, action);
  } catch (error) {
    if (error instanceof MisuseError) return 'misuse';
    if (error instanceof WireFault) return 'fault';
    throw error;
  }
  const silent = !action.endsWith('()') && Array.isArray(events) && events.length === 0;
  return silent && machine.state() === state ? 'kept' : machine.state();
}

describe.each(Object.keys(TABLES) as Receiver[])('%s', (kind) => {
  const table = TABLES[kind];

  test('the table names every state', () => {
    expect(Object.keys(table)).toEqual(statesOf(kind));
  });

  test.each(Object.keys(table))('%s: legal ways lead on, all others are errors', (state) => {
    const actions = Object.keys(table[state] ?? {});
    const outcomes = Object.fromEntries(actions.map((action) => [action, outcomeOf(kind, state, action)]));
    expect(outcomes).toEqual(table[state]);
  });

  test('an illegal call changes nothing: the legal ones still work behind it', () => {
    for (const [state, row] of Object.entries(table))
      for (const [illegal] of Object.entries(row).filter(([, outcome]) => outcome === 'misuse'))
        for (const [legal, next] of Object.entries(row).filter(([, outcome]) => outcome in table)) {
          const machine = machineIn(kind, state);
          expect(() => perform(machine, illegal)).toThrow(MisuseError);
          perform(machine, legal);
          expect(machine.state(), `${state}: ${illegal}, ${legal}`).toBe(next);
        }
  });
});

test('after a fault a client is broken and reads nothing more', () => {
  const machine = machineIn('client', 'awaiting');
  expect(() => perform(machine, 'junk')).toThrow(WireFault);
  expect(machine.state()).toBe('broken');
  expect(() => perform(machine, 'permit')).toThrow(MisuseError);
});

test.each(['preface', 'hello'])('a gate can still refuse after a fault in %s', (state) => {
  const machine = machineIn('gate', state);
  expect(() => perform(machine, 'junk')).toThrow(WireFault);
  perform(machine, 'refuse()');
  expect(machine.state()).toBe('refused');
});
