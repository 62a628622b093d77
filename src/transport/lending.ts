/**
 * Reading into one buffer that is used again, in place of fresh memory for each read: Node's option `onread`, which
 * halves what bulk costs. `net.connect` takes it, but accepted sockets are made by `net.Server`, and which socket will
 * be busy shows only later. So the handle of a socket moves to a new one that has the option. That is not public API
 * (`_handle`, and the option `handle`): whether it works is tried on a pair of sockets before it is relied on.
 */
import net from 'node:net';

/** Bytes of the buffer that all sockets of this process read into: what is read is handed on before the next read. */
const READ_BYTES = 262_144;
/** ms that the trial may take. */
const TRIAL_MS = 2_000;

let shared: Buffer | null = null;

/** Takes what was read; the bytes are its own until it returns. */
export type Take = (bytes: Buffer) => void;

/**
 * Moves an open socket, from which nothing waits to be delivered and to which nothing waits to be written, into a new
 * one that reads into the shared buffer. The old one is an empty shell without listeners from then on.
 */
export function moveToShared(socket: net.Socket, take: Take): net.Socket {
  const shell = socket as unknown as { _handle: unknown };
  const handle = shell._handle;
  shell._handle = null;
  socket.removeAllListeners();
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const onread: net.OnReadOpts = {
    buffer: shared,
    callback(length, buffer) {
      take((buffer as Buffer).subarray(0, length));
      return true;
    },
  };
  return new net.Socket({ handle, allowHalfOpen: true, onread } as net.SocketConstructorOpts);
}

let trial: Promise<boolean> | null = null;

/** Whether sockets of this Node.js can be moved, accepted and dialled ones. It is tried once. */
export function canLend(): Promise<boolean> {
  trial ??= tryToMove(moveToShared);
  return trial;
}

/**
 * Sends bytes both ways between two sockets of which both are moved, and ends them.
 * @param move tried in place of `moveToShared`
 */
export function tryToMove(move: typeof moveToShared): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const sockets: net.Socket[] = [];
  const heard = ['', ''];
  let ends = 0;
  const fail = () => resolve(false);
  const tryOne = (fresh: net.Socket, side: 0 | 1) => {
    try {
      const socket = move(fresh, (bytes) => {
        heard[side] += bytes.toString('latin1');
        if (side === 0 || heard[1] !== WORDS[0]) return;
        socket.end(WORDS[1]);
      });
      sockets.push(socket);
      socket.on('error', fail);
      socket.on('end', () => {
        if (side === 0) socket.end();
        if (++ends === 2) resolve(heard[0] === WORDS[1] && heard[1] === WORDS[0]);
      });
      socket.resume();
      if (side === 0) socket.write(WORDS[0]);
    } catch {
      fail();
    }
  };
  const server = net.createServer({ allowHalfOpen: true }, (socket) => tryOne(socket, 1));
  server.on('error', fail);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as net.AddressInfo;
    const near = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => tryOne(near, 0));
    sockets.push(near);
    near.on('error', fail);
  });
  const late = setTimeout(fail, TRIAL_MS);
  return promise.finally(() => {
    clearTimeout(late);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

/** What the two sides of the trial say. */
const WORDS = ['there', 'back'] as const;
