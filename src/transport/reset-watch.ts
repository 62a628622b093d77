/**
 * Notices that a peer broke off while nobody reads from its socket. Node does not look at a paused socket, so this
 * would be seen only when somebody reads again, which may be never.
 */
import type { Socket } from 'node:net';

/** How often the kernel is asked, ms. */
const INTERVAL_MS = 1_000;

interface Watched {
  /** Sends something that a peer which is gone answers with a reset; absent where the protocol has nothing. */
  readonly ping: (() => void) | undefined;
  /** How often the kernel was asked. */
  looks: number;
}

const paused = new Map<Socket, Watched>();
let timer: NodeJS.Timeout | null = null;

/**
 * From now on, until `unwatch` or its end, a reset destroys the socket within about a second. With `ping`, an end
 * of the connection that the protocol does not allow is noticed too, after at most about as long as it was paused.
 */
export function watchForReset(socket: Socket, ping?: () => void): void {
  if (socket.destroyed || paused.has(socket)) return;
  paused.set(socket, { ping, looks: 0 });
  timer ??= setInterval(look, INTERVAL_MS);
}

/** Somebody reads from the socket again, or it is gone. */
export function unwatch(socket: Socket): void {
  paused.delete(socket);
}

function look(): void {
  for (const [socket, watched] of paused) {
    if (socket.destroyed) paused.delete(socket);
    else if (socket.writable && socket.writableLength === 0) ask(socket, watched);
  }
  if (paused.size > 0 || timer === null) return;
  clearInterval(timer);
  timer = null;
}

/** A write of nothing sends nothing, and fails if the peer has reset the connection. */
function ask(socket: Socket, watched: Watched): void {
  socket.write('');
  watched.looks++;
  // Answers are not read meanwhile, and peers allow for few that are pending: each ping waits twice as long.
  if ((watched.looks & (watched.looks - 1)) === 0) watched.ping?.();
}
