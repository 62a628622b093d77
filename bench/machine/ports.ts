/** Ports for programs that cannot choose a free one themselves. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from './process.ts';

/** ms that a program gets to listen. */
const PATIENCE = 10_000;

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once the program listens. @throws {Error} if it ends, or does not listen after ten seconds */
export async function untilListening(port: number, program: Program): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; ; await pause(20)) {
    program.requireRunning();
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    } finally {
      socket.destroy();
    }
  }
}
