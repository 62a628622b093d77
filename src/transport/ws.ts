/**
 * WebSocket: binary messages carry the bytes, their borders mean nothing. WebSocket has no half-close of its
 * own, so an empty binary message says "no more from me" (proto/README.md, "On WebSocket"); when both sides
 * said it, the connection closes with 1000.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Connection, DialOptions, Transport } from '../ports/transport.ts';
import { keepAlive } from './socket.ts';
import { WS_OPTIONS, WsConnection } from './ws-connection.ts';
import { listenForWebSockets } from './ws-listener.ts';

/** WebSocket. Addresses are `HOST:PORT`, when dialled with a path and query behind. */
export function createWsTransport(): Transport {
  return { listen: listenForWebSockets, dial };
}

function dial(address: string, { signal }: DialOptions = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error(`gave up dialling ${address}`));
    const socket = new WebSocket(`ws://${address}`, WS_OPTIONS);
    const abort = () => {
      socket.once('error', () => {});
      socket.terminate();
      failed(new Error(`gave up dialling ${address}`));
    };
    const settle = () => signal?.removeEventListener('abort', abort);
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    signal?.addEventListener('abort', abort);
    socket.once('error', failed);
    let raw: Socket;
    socket.once('upgrade', (response) => {
      raw = response.socket;
      keepAlive(raw);
    });
    socket.once('open', () => {
      settle();
      socket.removeListener('error', failed);
      resolve(new WsConnection(socket, raw, address));
    });
  });
}
