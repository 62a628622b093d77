/** Peers of a WebSocket port in the HTTP part of their handshake. */
import type { Socket } from 'node:net';
import type {
  HandshakeEnd,
  HandshakeFailure,
  HandshakeTracker,
  PendingHandshake,
} from '../ports/transport.ts';
import { peerOf } from './socket.ts';

/** How long a peer for which there is no room has to become a WebSocket, which can be told so. */
const NO_ROOM_MS = 2_000;

export const LATE: HandshakeFailure = { late: true, why: 'no WebSocket handshake in time' };
export const GARBAGE: HandshakeFailure = { late: false, why: 'the peer speaks neither HTTP nor WebSocket' };
const GONE: HandshakeFailure = { late: false, why: 'the connection ended before it was a WebSocket' };

/** Sockets that are no WebSocket yet; what becomes of each is told once. */
export class PendingSockets {
  readonly #track: HandshakeTracker | undefined;
  readonly #handshakes = new WeakMap<object, { readonly handshake: PendingHandshake; forget(): void }>();

  constructor(track: HandshakeTracker | undefined) {
    this.#track = track;
  }

  enter(socket: Socket): void {
    const handshake = this.#track?.(peerOf(socket));
    if (handshake === undefined) return;
    const gone = () => this.leave(socket, GONE);
    socket.once('close', gone);
    if (handshake.isCut) socket.destroy();
    const limit = handshake.admitted ? undefined : setTimeout(() => socket.destroy(), NO_ROOM_MS);
    const forget = () => {
      clearTimeout(limit);
      socket.off('close', gone);
    };
    this.#handshakes.set(socket, { handshake, forget });
  }

  /**
   * Its handshake is over.
   * @returns it, if it is tracked, and was not over before
   */
  leave(socket: Socket, how: HandshakeEnd): PendingHandshake | undefined {
    const pending = this.#handshakes.get(socket);
    this.#handshakes.delete(socket);
    pending?.forget();
    pending?.handshake.end(how !== 'connection' && isProbe(socket) ? 'probe' : how);
    return pending?.handshake;
  }
}

/** Opened and closed by the peer without a byte, as load balancers and health checks do: that is no failure. */
function isProbe({ bytesRead, readableEnded, errored }: Socket): boolean {
  const isReset = (errored as NodeJS.ErrnoException | null)?.code === 'ECONNRESET';
  return bytesRead === 0 && (readableEnded || isReset);
}
