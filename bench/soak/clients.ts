/**
 * Clients of a soak, one function for each kind. Every wait has a limit: what does not move for so long is a stall,
 * and a fault. Every byte that comes back is compared with the one that went out.
 */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, RefusedError, type Session } from '../../src/index.ts';
import type { Random } from '../../src/ports/random.ts';
import { HELLO } from '../native/canned.ts';
import type { Tally } from './tally.ts';

/** Where clients go, and how they tell what they saw. */
export interface Way {
  readonly kind: 'tcp' | 'ws';
  readonly port: number;
  readonly tally: Tally;
  readonly random: Random;
  /** Aborts when the soak is over: those who stay long leave then. */
  readonly over: AbortSignal;
}

/** ms without a byte after which a session counts as stalled. */
const STALL = 30_000;
const BLOCK = 65_536;
const UPLOAD = 128;
const DOWNLOAD = 16e6;
const TWO_WAY = 64;

/** Comes, says a little, and leaves in order. */
export async function comeAndGo(way: Way): Promise<void> {
  const session = await enter(way, 'e');
  await exchange(way, session, 1_024);
  await leave(session);
}

/** Stays for a while, and says something of any size now and then. */
export async function stay(way: Way): Promise<void> {
  const session = await enter(way, 'e');
  const until = Date.now() + between(way, 10_000, 300_000);
  while (Date.now() < until && !way.over.aborted) {
    const large = way.random.next() < 0.02;
    await exchange(way, session, Math.ceil(between(way, 1, large ? 1_000_000 : 32_768)));
    await pause(between(way, 200, 2_000), undefined, { signal: way.over }).catch(() => {});
  }
  await leave(session);
}

/** Sends much, and is told how much came. */
export async function upload(way: Way): Promise<void> {
  const session = await enter(way, 'u');
  const block = Buffer.alloc(BLOCK, 'u');
  for (let at = 0; at < UPLOAD; at++) await write(session, block);
  session.end();
  const count = Number((await read(session, 8)).readBigUInt64BE());
  way.tally.carried(count);
  if (count !== UPLOAD * BLOCK) throw new Error(`${count} bytes came of ${UPLOAD * BLOCK}`);
  await within(finished(session.resume()), 'the end');
}

/** Reads much, as fast as it comes, and breaks off. */
export async function download(way: Way): Promise<void> {
  const session = await enter(way, 'd');
  for (let have = 0; have < DOWNLOAD; ) {
    const bytes = (await readSome(session)).length;
    have += bytes;
    way.tally.carried(bytes);
  }
  session.destroy();
}

/** Reads a little of much, now and then, and breaks off. */
export async function readSlowly(way: Way): Promise<void> {
  const session = await enter(way, 'd');
  const until = Date.now() + between(way, 10_000, 60_000);
  while (Date.now() < until && !way.over.aborted) {
    way.tally.carried((await readSome(session)).length);
    await pause(between(way, 100, 500), undefined, { signal: way.over }).catch(() => {});
  }
  session.destroy();
}

/** Sends as fast as it can, and reads slowly what comes back: both directions are full most of the time. */
export async function bothWays(way: Way): Promise<void> {
  const session = await enter(way, 'e');
  const block = Buffer.alloc(BLOCK, 'b');
  const sent = (async () => {
    for (let at = 0; at < TWO_WAY; at++) await write(session, block);
    session.end();
  })();
  const received = (async () => {
    for (let have = 0; have < TWO_WAY * BLOCK; await pause(5)) have += (await readSome(session)).length;
  })();
  await Promise.all([sent, received]);
  way.tally.carried(2 * TWO_WAY * BLOCK);
  await within(finished(session.resume()), 'the end');
}

/** Resets its connection before its hello, in the middle of it, or once it is admitted. */
export async function reset({ port, random }: Way): Promise<void> {
  const socket = connectSocket(port, '127.0.0.1');
  await within(once(socket, 'connect'), 'a connection');
  const point = random.next();
  if (point > 0.3) socket.write(HELLO.subarray(0, point > 0.6 ? undefined : 20));
  if (point > 0.6) await within(once(socket, 'data'), 'a permit');
  socket.on('error', () => {});
  socket.resetAndDestroy();
}

/** Is newer than every server, and refused. */
export async function beRefused(way: Way): Promise<void> {
  try {
    await connect(urlOf(way, '4.20.0'));
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'SERVER_OUTDATED') throw error;
    way.tally.refused();
    return;
  }
  throw new Error('a client that is too new was admitted');
}

const between = ({ random }: Way, low: number, high: number) => low + random.next() * (high - low);

const urlOf = ({ kind, port }: Way, version: string) =>
  `skewgate${kind === 'ws' ? '+ws' : ''}://127.0.0.1:${port}/?version=${version}`;

/** @param purpose what the backend is to do */
async function enter(way: Way, purpose: 'e' | 'u' | 'd'): Promise<Session> {
  const startedAt = performance.now();
  const session = await connect(urlOf(way, '4.14.0'));
  way.tally.connected(performance.now() - startedAt);
  // Awaited where it matters; an error in between is no reason to end the process.
  session.on('error', () => {});
  session.write(purpose);
  return session;
}

async function leave(session: Session): Promise<void> {
  session.end();
  await within(finished(session.resume()), 'the end');
}

async function exchange({ tally, random }: Way, session: Session, length: number): Promise<void> {
  const message = Buffer.alloc(length, String(random.next()));
  const startedAt = performance.now();
  // What is long is read while it is still being written.
  const [, answer] = await Promise.all([write(session, message), read(session, length)]);
  if (length <= 1_024) tally.echoed(performance.now() - startedAt);
  tally.carried(2 * length);
  if (!answer.equals(message)) throw new Error('an echo differs from what was sent');
}

async function write(session: Session, bytes: Buffer): Promise<void> {
  if (!session.write(bytes)) await within(once(session, 'drain'), 'room to write');
}

async function read(session: Session, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let have = 0; have < length; ) {
    const part = await readSome(session);
    parts.push(part);
    have += part.length;
  }
  return Buffer.concat(parts);
}

async function readSome(session: Session): Promise<Buffer> {
  for (;;) {
    const bytes = session.read() as Buffer | null;
    if (bytes !== null) return bytes;
    if (session.readableEnded || session.destroyed) throw new Error('the session ended early');
    await within(once(session, 'readable'), 'bytes');
  }
}

/** @throws {Error} that it stalls, after a while */
async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`stalled: waited ${STALL / 1_000} s for ${what}`)), STALL);
  try {
    return await Promise.race([promise, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
