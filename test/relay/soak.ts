/** Two-way traffic in which one side reads slowly, watched by a detector of standstills. */
import { expect } from 'vitest';
import { randomBytes, seeded } from '../support/random.ts';
import type { Recorder } from '../support/recorder.ts';
import { until } from '../support/until.ts';
import type { Session } from './pair.ts';

/** Bytes after which what is sent begins anew. */
const STEP = 1_048_576;
/** A direction in which no byte arrives for so long stands still, ms. A stall that was once seen lasted for 60 s. */
const STANDSTILL = 25_000;
/** What a sender that is held back may wait at all, ms: that it stands still is the receiver's to notice. */
const HELD_BACK = 280_000;

/**
 * Sends so many bytes each way in chunks of random sizes, both ways at once; the server stops reading time and again.
 * Fails where a direction stands still, or a byte is wrong.
 */
export async function soak(
  { client, server }: Session,
  { bytes, seed = 1 }: { bytes: number; seed?: number },
) {
  const random = seeded(seed);
  const pattern = randomBytes(STEP, seed);
  server.connection.resume();
  const slow = () => {
    if (random.next() < 0.5) return;
    server.connection.pause();
    let turns = Math.floor(random.next() ** 3 * 20);
    const wait = () => (turns-- > 0 ? setImmediate(wait) : server.connection.resume());
    wait();
  };
  await Promise.all([
    pump(client, pattern, bytes, random),
    pump(server, pattern, bytes, random),
    take(server, pattern, bytes, slow),
    take(client, pattern, bytes, () => {}),
  ]);
}

type Draw = { next(): number };

async function pump(from: Recorder, pattern: Buffer, bytes: number, random: Draw): Promise<void> {
  for (let sent = 0; sent < bytes; ) {
    const at = sent % STEP;
    const size = Math.min(1 + Math.floor(random.next() ** 4 * 400_000), STEP - at, bytes - sent);
    const drains = from.count('drain');
    sent += size;
    if (!from.connection.send(pattern.subarray(at, at + size)))
      await until(from.changes, () => from.count('drain') > drains, `drain after ${sent} bytes`, HELD_BACK);
  }
}

async function take(at: Recorder, pattern: Buffer, bytes: number, taken: () => void): Promise<void> {
  at.onData = (chunk) => {
    at.chunks.length = 0;
    for (let done = 0; done < chunk.length; ) {
      const start = (at.received - chunk.length + done) % STEP;
      const length = Math.min(chunk.length - done, STEP - start);
      expect(pattern.compare(chunk, done, done + length, start, start + length)).toBe(0);
      done += length;
    }
    taken();
  };
  for (let seen = 0; seen < bytes; seen = at.received)
    await until(at.changes, () => at.received > seen, `a byte after ${seen}`, STANDSTILL);
}
