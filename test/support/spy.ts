/** A transport that notes each send of the connections it accepts, in the order of a list it is given. */
import type { Connection, Transport } from '../../src/ports/transport.ts';

export function noteSends(transport: Transport, note: (bytes: Uint8Array) => void): Transport {
  const watched = (connection: Connection): Connection => ({
    peer: connection.peer,
    handle: (handlers) => connection.handle(handlers),
    send(bytes, text) {
      note(bytes);
      return connection.send(bytes, text);
    },
    sendLent(bytes) {
      note(bytes);
      return connection.sendLent(bytes);
    },
    end: () => connection.end(),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: (closeReason) => connection.close(closeReason),
    destroy: () => connection.destroy(),
  });
  return {
    listen: (address, options) =>
      transport.listen(address, {
        ...options,
        accept: (connection) => options.accept(watched(connection)),
      }),
    dial: (address, options) => transport.dial(address, options),
  };
}
