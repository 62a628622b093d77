/** What an operator reads in the terminal of a gate, and what every other sink gets. */
import { expect, test } from 'vitest';
import type { GateEvent } from '../../src/events/events.ts';
import { createFanOut } from '../../src/events/fan-out.ts';
import { createTerminalSink } from '../../src/events/terminal.ts';

const claimFailed = (error: string): GateEvent => ({
  event: 'migration',
  what: 'claim-failed',
  client: '4.14.0',
  error,
});

function terminal() {
  const said: string[] = [];
  return { said, sink: createTerminalSink((line) => said.push(line)) };
}

test('an upgrade that can not begin is said, once for the same reason, and again for another', () => {
  const { said, sink } = terminal();
  for (const error of ['disk full', 'disk full', 'no such table', 'disk full']) sink.emit(claimFailed(error));
  expect(said).toEqual([
    "upgrade: claim-failed: client 4.14.0 brought an upgrade that can't begin: disk full",
    "upgrade: claim-failed: client 4.14.0 brought an upgrade that can't begin: no such table",
    "upgrade: claim-failed: client 4.14.0 brought an upgrade that can't begin: disk full",
  ]);
});

test('that no attempt begins any more is said with the reason of the last failure', () => {
  const { said, sink } = terminal();
  sink.emit({
    event: 'migration',
    what: 'given-up',
    client: '4.14.0',
    attempts: 3,
    toLevel: 28,
    error: 'no disk',
  });
  expect(said).toEqual(['upgrade: given-up: after 3 attempts: no disk']);
});

test('what is of no use to an operator is not said: the course of an upgrade, later news of a server', () => {
  const { said, sink } = terminal();
  sink.emit({ event: 'migration', what: 'level-observed', fromLevel: null, toLevel: 27 });
  sink.emit({
    event: 'server',
    server: 'rs1',
    first: false,
    state: 'up',
    version: '4.14.0',
    previousState: 'down',
    previousVersion: null,
    level: null,
    lastError: null,
  });
  expect(said).toEqual([]);
});

test('every sink of a fan-out gets every event, in the order in which they happened', () => {
  const heard: string[] = [];
  const sinks = ['log', 'terminal'].map((name) => ({
    emit: (event: GateEvent) => heard.push(`${name} ${event.event}`),
  }));
  const events = createFanOut(sinks);
  events.emit(claimFailed('x'));
  events.emit({ event: 'gate', what: 'started', policyHash: '', listeners: [], error: null });
  expect(heard).toEqual(['log migration', 'terminal migration', 'log gate', 'terminal gate']);
});
