/** What sessions of simulated servers are handed on to: one PostgreSQL and one Redis behind all of them, or an echo. */
import net from 'node:net';
import type { ServerOptions } from '../../../src/server/server.ts';

const RESP_ARRAY = 0x2a;
/** A message of PostgreSQL's that has no type yet begins with its length, which is short. */
const POSTGRES_LENGTH = 0x00;

/** Tells by the first byte what a session speaks. */
export function serveDatabases(ports: {
  readonly postgres: string;
  readonly redis: string;
}): NonNullable<ServerOptions['serve']> {
  const portFor = (first: number | undefined) => {
    if (first === RESP_ARRAY) return ports.redis;
    return first === POSTGRES_LENGTH ? ports.postgres : null;
  };
  return (connection) => {
    let inner: net.Socket | null = null;
    const begin = (port: string) => {
      const socket = net.connect(Number(port), '127.0.0.1');
      socket.on('data', (bytes) => {
        if (!connection.send(bytes)) socket.pause();
      });
      socket.on('end', () => connection.end());
      socket.on('error', () => connection.destroy());
      return socket;
    };
    return {
      data(bytes) {
        const port = inner === null ? portFor(bytes[0]) : null;
        if (port !== null) inner = begin(port);
        if (inner === null) connection.send(bytes);
        else inner.write(Buffer.from(bytes));
      },
      end() {
        if (inner === null) connection.end();
        else inner.end();
      },
      drain() {
        inner?.resume();
      },
    };
  };
}
