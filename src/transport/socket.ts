/** What TCP and WebSocket have in common: their sockets. */
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { ListenOptions } from '../ports/transport.ts';
import { parseHostPort, printHostPort } from './address.ts';
import { KEEP_ALIVE_MS } from './keep-alive.ts';

/** Peers that may wait to be accepted, where the kernel allows so many: when all come back at once, none is lost. */
const BACKLOG = 4_096;
/** ms for which a listener that is to be closed goes on accepting, if clients never stop coming. */
const LONGEST_QUEUE_MS = 1_000;

/** Has the kernel ask, after a minute of silence, whether the peer's machine is still there. */
export function keepAlive(socket: net.Socket): void {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** The address of the peer, as people and logs see it. */
export function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return printHostPort({ host: remoteAddress ?? '?', port: remotePort ?? 0 });
}

/**
 * Binds a server, which from then on outlives an accept that fails, as all do while no descriptor is left.
 * Returns the address as bound, with the port that was chosen where 0 was asked for.
 * @param address `HOST:PORT`
 * @param options.shared whether other processes may bind it too: the kernel then gives each its part of those who come
 * @param options.socket a descriptor of one that is bound already
 * @throws {Error} if it can't be bound, or that socket is bound to another port
 */
export function bind(
  server: net.Server,
  address: string,
  { shared = false, socket }: Pick<ListenOptions, 'shared' | 'socket'> = {},
): Promise<string> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const where = socket === undefined ? { host, port, reusePort: shared } : { fd: socket };
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      server.on('error', () => {});
      const bound = server.address() as net.AddressInfo;
      if (port !== 0 && bound.port !== port) {
        server.close();
        return reject(new Error(`the socket that was handed over for ${address} is on port ${bound.port}`));
      }
      resolve(printHostPort({ host: bound.address, port: bound.port }));
    });
  });
}

/**
 * Closes a listening socket once nobody waits in it to be accepted: the kernel resets those that do. A turn of the event
 * loop in which nobody came found its queue empty. Under a load that leaves no such turn it gives up after a while.
 */
export async function stopListening(server: net.Server): Promise<void> {
  let came = true;
  const note = () => {
    came = true;
  };
  server.on('connection', note);
  const end = performance.now() + LONGEST_QUEUE_MS;
  // The turn that is under way may have looked before this was called.
  await turn();
  while (came && performance.now() < end) {
    came = false;
    await turn();
  }
  server.off('connection', note);
  // Not the method of an HTTP server, which has more to close.
  net.Server.prototype.close.call(server);
}

/**
 * Tears a socket down in such a way that its peer does not take it for an orderly end. TCP says so with a reset,
 * which is not possible while a FIN is on its way. Other sockets can't be reset; a TLS peer knows a cut by the
 * missing close_notify (RFC 8446, 6.1).
 */
export function breakOff(socket: net.Socket): void {
  if (socket.destroyed) return;
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  try {
    if (!isEnding) socket.resetAndDestroy();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_INVALID_HANDLE_TYPE') throw error;
  }
  socket.destroy();
}
