/** What TCP and WebSocket have in common: their sockets. */
import type net from 'node:net';
import { parseHostPort, printHostPort } from './address.ts';
import { KEEP_ALIVE_MS } from './keep-alive.ts';

/** Peers that may wait to be accepted, where the kernel allows so many: when all come back at once, none is lost. */
const BACKLOG = 4_096;

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
 * @param shared whether other processes may bind it too: the kernel then gives each its part of those who come
 * @throws {Error} if it can't be bound
 */
export function bind(server: net.Server, address: string, shared = false): Promise<string> {
  const { host, port } = parseHostPort(address);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG, reusePort: shared }, () => {
      server.removeListener('error', reject);
      server.on('error', () => {});
      const bound = server.address() as net.AddressInfo;
      resolve(printHostPort({ host: bound.address, port: bound.port }));
    });
  });
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
