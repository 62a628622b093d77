/**
 * Server-sent events out of a ring: what was, from where the reader left off, and then what comes. A reader costs its
 * place in the ring and what its socket holds; one that is too slow misses what the ring does not keep any more, and is
 * told how much that is. One that takes nothing is cut off.
 */

import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, Timer } from '../ports/clock.ts';
import { ApiError } from './errors.ts';
import type { Numbered, Ring } from './ring.ts';

/** Streams at once. */
const MOST_READERS = 64;
/** ms after which a stream on which nothing happens says that it is alive, and one that takes nothing is cut off. */
const BEAT = 10_000;

export interface StreamOptions<T> {
  readonly ring: Ring<T>;
  /** Number of the last entry that the reader has. */
  readonly after: number;
  /** What to send of an entry; null: the reader does not want it. */
  readonly spell: (entry: Numbered<T>) => { readonly id: string; readonly data: unknown } | null;
  /** The name of the events. */
  readonly name: string;
}

/** Hands out streams, a bounded number of them. */
export class EventStreams {
  readonly #clock: Clock;
  #readers = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers with a stream that ends with its reader. @throws {ApiError} if there are too many already */
  open<T>(request: FastifyRequest, reply: FastifyReply, options: StreamOptions<T>): Readable {
    if (this.#readers >= MOST_READERS)
      throw new ApiError(503, 'TOO_MANY_READERS', `${MOST_READERS} readers listen already: end one of them`);
    this.#readers++;
    const gone = new AbortController();
    const { raw } = reply;
    const beat = this.#watch(request.raw.socket);
    raw.once('close', () => {
      this.#readers--;
      beat.cancel();
      gone.abort();
    });
    reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no');
    return Readable.from(this.#events(options, gone.signal), { objectMode: false });
  }

  /** Cuts a reader off that took nothing of what it was sent from one beat to the next. */
  #watch(socket: Socket): Timer {
    let timer: Timer;
    const again = (written: number) => {
      timer = this.#clock.after(2 * BEAT, () => {
        if (socket.writableNeedDrain && socket.bytesWritten === written) socket.destroy();
        else again(socket.bytesWritten);
      });
    };
    again(-1);
    return { cancel: () => timer.cancel() };
  }

  async *#events<T>(
    { ring, after, spell, name }: StreamOptions<T>,
    gone: AbortSignal,
  ): AsyncGenerator<string> {
    yield 'retry: 2000\n\n';
    for (let number = after + 1; !gone.aborted; ) {
      if (number < ring.first) {
        yield `event: lost\ndata: ${JSON.stringify({ lost: ring.first - number })}\n\n`;
        number = ring.first;
      }
      const entry = ring.at(number);
      if (entry === null) {
        if (!(await this.#news(ring, gone))) yield ': alive\n\n';
        continue;
      }
      number++;
      const sent = spell(entry);
      if (sent !== null) yield `id: ${sent.id}\nevent: ${name}\ndata: ${JSON.stringify(sent.data)}\n\n`;
    }
  }

  /** Whether something happened before the next beat. */
  #news({ changes }: Pick<Ring<unknown>, 'changes'>, gone: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isNews: boolean) => () => {
        timer.cancel();
        changes.forget(wake);
        gone.removeEventListener('abort', wake);
        resolve(isNews);
      };
      const wake = settle(true);
      const timer = this.#clock.after(BEAT, settle(false));
      changes.tell(wake);
      gone.addEventListener('abort', wake);
    });
  }
}
