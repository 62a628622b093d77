/** The supervisor with processes that only a test sees. What real ones do is in test/cli/workers.slow.test.ts. */
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { Slots } from '../../src/gateway/slots.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import type { Start, ToWorker } from '../../src/workers/messages.ts';
import { Supervisor, WorkerFailed, type WorkerListener } from '../../src/workers/supervisor.ts';
import { WorkerLink } from '../../src/workers/worker-link.ts';

const ADDRESSES = ['tcp://127.0.0.1:8700'];
const CONFIG = parseConfig(
  '{ listen: [{ tcp: 127.0.0.1:8700 }], servers: [{ id: rs1, address: tcp://127.0.0.1:9001 }] }',
);

interface Fake {
  readonly worker: number;
  readonly listener: WorkerListener;
  readonly heard: ToWorker[];
  killed: boolean;
}

/** What it was told first. */
function startOf(fake: Fake | undefined): Start {
  const [first] = fake?.heard ?? [];
  if (first?.kind !== 'start') throw new Error('it was not started');
  return first;
}

function supervise(workers: number, limits = { handshakes: 10, sessions: 10, waiting: 10 }) {
  const clock = new VirtualClock();
  const forked: Fake[] = [];
  const said: string[] = [];
  const supervisor = new Supervisor({
    workers,
    start: { file: 'gate.yaml', config: CONFIG, folder: '.' },
    limits,
    clock,
    say: (line) => said.push(line),
    fork(worker, listener) {
      const fake: Fake = { worker, listener, heard: [], killed: false };
      forked.push(fake);
      return {
        send: (message) => fake.heard.push(message),
        kill: () => {
          fake.killed = true;
        },
      };
    },
  });
  const kinds = (fake: Fake | undefined) => fake?.heard.map(({ kind }) => kind);
  const listen = (fake: Fake | undefined) =>
    fake?.listener.message({ kind: 'listening', addresses: ADDRESSES });
  return { supervisor, forked, said, clock, kinds, listen };
}

describe('a supervisor', () => {
  test('has the first worker bind the addresses, gives them to the others, and is up once all listen', async () => {
    const { supervisor, forked, listen } = supervise(3);
    const up = supervisor.start();
    expect(forked.map(({ worker }) => worker)).toEqual([1]);
    expect(startOf(forked[0]).addresses).toBe(null);
    listen(forked[0]);
    expect(forked.map(({ worker }) => worker)).toEqual([1, 2, 3]);
    expect(startOf(forked[2]).addresses).toEqual(ADDRESSES);
    listen(forked[1]);
    listen(forked[2]);
    expect(await up).toEqual(ADDRESSES);
  });

  test('fails with the first worker, and starts no other', async () => {
    const { supervisor, forked } = supervise(2);
    const up = supervisor.start();
    forked[0]?.listener.exit({ code: 2, signal: null });
    await expect(up).rejects.toThrow(WorkerFailed);
    expect(forked).toHaveLength(1);
  });

  test('names one worker to probe, and another when that one is gone', async () => {
    const { supervisor, forked, kinds, listen } = supervise(2);
    void supervisor.start();
    listen(forked[0]);
    listen(forked[1]);
    expect(forked.map(kinds)).toEqual([['start', 'probe'], ['start']]);
    forked[0]?.listener.exit({ code: null, signal: 'SIGKILL' });
    expect(kinds(forked[1])).toEqual(['start', 'probe']);
  });

  test('hands what one worker found to the others, and not back to it', () => {
    const { supervisor, forked, kinds, listen } = supervise(3);
    void supervisor.start();
    for (let at = 0; at < 3; at++) listen(forked[at]);
    const finding = { server: 's1', askedAt: 5, identity: null, error: 'connect ECONNREFUSED' };
    forked[1]?.listener.message({ kind: 'found', finding });
    expect(kinds(forked[0])).toEqual(['start', 'probe', 'found']);
    expect(kinds(forked[1])).toEqual(['start']);
    expect(forked[2]?.heard[1]).toEqual({ kind: 'found', finding });
  });

  test('replaces a worker that died: the first time at once, then after longer and longer waits', async () => {
    const { supervisor, forked, clock, said, listen } = supervise(2);
    void supervisor.start();
    listen(forked[0]);
    listen(forked[1]);
    const waits: number[] = [];
    for (let death = 0; death < 8; death++) {
      const before = { count: forked.length, at: clock.now() };
      forked.at(-1)?.listener.exit({ code: null, signal: 'SIGSEGV' });
      await clock.run(0);
      while (forked.length === before.count && clock.now() < before.at + 60_000) await clock.run(1_000);
      waits.push((clock.now() - before.at) / 1_000);
      listen(forked.at(-1));
    }
    expect(waits).toEqual([0, 1, 2, 3, 4, 5, 5, 5]);
    expect(startOf(forked.at(-1)).addresses).toEqual(ADDRESSES);
    expect(said[0]).toBe('worker 2 ended with SIGSEGV and is replaced');
    expect(said[2]).toBe('worker 2 ended with SIGSEGV and is replaced in 2 s');
  });

  test('replaces nobody once it stops, and has stopped when the last is gone', async () => {
    const { supervisor, forked, kinds, listen } = supervise(2);
    void supervisor.start();
    listen(forked[0]);
    listen(forked[1]);
    let stopped = false;
    const stopping = supervisor.stop().then(() => {
      stopped = true;
    });
    void supervisor.stop();
    expect(forked.map((fake) => kinds(fake)?.slice(-2))).toEqual([
      ['stop', 'stop'],
      ['stop', 'stop'],
    ]);
    forked[0]?.listener.exit({ code: 0, signal: null });
    await Promise.resolve();
    expect(stopped).toBe(false);
    forked[1]?.listener.exit({ code: 0, signal: null });
    await stopping;
    expect(forked).toHaveLength(2);
  });
});

describe('places under a limit that workers share', () => {
  function link(fake: Fake | undefined, clock: VirtualClock, limit = 10): WorkerLink {
    const made = new WorkerLink({
      limits: { handshakes: limit, sessions: limit, waiting: limit },
      room: startOf(fake).room,
      clock,
      machineTime: () => clock.now(),
      send: (message) => queueMicrotask(() => fake?.listener.message(message)),
    });
    let at = 1;
    const pump = () => {
      for (; fake !== undefined && at < fake.heard.length; at++) {
        const message = fake.heard[at] as ToWorker;
        if (message.kind === 'room' || message.kind === 'spare') made.heard(message);
      }
    };
    if (fake !== undefined) {
      const { push } = fake.heard;
      fake.heard.push = (...items) => {
        const length = push.apply(fake.heard, items);
        queueMicrotask(pump);
        return length;
      };
    }
    return made;
  }

  /** Takes a place as a client's handshake does: where it is full, it asks the others first. */
  async function take(slots: Slots): Promise<boolean> {
    if (slots.acquire()) return true;
    await slots.more();
    return slots.acquire();
  }

  test.each([1, 2, 3, 7, 10])('%i are taken by whoever comes first, and no more', async (limit) => {
    const limits = { handshakes: limit, sessions: limit, waiting: limit };
    const { supervisor, forked, clock, listen } = supervise(2, limits);
    void supervisor.start();
    listen(forked[0]);
    listen(forked[1]);
    const [one, other] = [link(forked[0], clock, limit), link(forked[1], clock, limit)];
    // All of them at one worker, although the other was given its share at the start.
    let taken = 0;
    for (let client = 0; client < limit + 3; client++) if (await take(one.slots.sessions)) taken++;
    expect(taken).toBe(limit);
    expect(await take(other.slots.sessions)).toBe(false);
    one.slots.sessions.release();
    await clock.run(1_000);
    expect(await take(other.slots.sessions)).toBe(true);
    await clock.run(1_000);
    expect(await take(one.slots.sessions)).toBe(false);
    expect(one.slots.sessions.used + other.slots.sessions.used).toBe(limit);
  });

  test('what a worker used is free again when it is gone', async () => {
    const { supervisor, forked, clock, listen } = supervise(2);
    void supervisor.start();
    listen(forked[0]);
    listen(forked[1]);
    const [one, other] = [link(forked[0], clock), link(forked[1], clock)];
    for (let client = 0; client < 10; client++) await take(one.slots.sessions);
    expect(await take(other.slots.sessions)).toBe(false);
    forked[0]?.listener.exit({ code: null, signal: 'SIGKILL' });
    await clock.run(1_000);
    const again = link(forked[2], clock);
    for (let client = 0; client < 10; client++) expect(await take(other.slots.sessions)).toBe(true);
    expect(await take(other.slots.sessions)).toBe(false);
    expect(again.slots.sessions.acquire()).toBe(false);
  });
});

test('alone, a process has the whole limit, and nobody to ask', () => {
  const slots = new Slots(2);
  expect([slots.acquire(), slots.acquire(), slots.acquire()]).toEqual([true, true, false]);
  expect(slots.more()).toBe(null);
  slots.release();
  expect(slots.acquire()).toBe(true);
});
