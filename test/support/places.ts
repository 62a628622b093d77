/** Clients from addresses of their own: on the network in memory, and on the loopback network of this machine. */
import { once } from 'node:events';
import net from 'node:net';
import { type ConnectOptions, connectTo } from '../../src/client/connect.ts';
import type { Session } from '../../src/client/session.ts';
import { parseUrl } from '../../src/client/url.ts';
import { dial } from '../../src/transport/address.ts';
import type { MemoryNetwork } from '../../src/transport/memory.ts';
import type { VirtualEnvironment } from './environment.ts';
import type { Fleet } from './gate.ts';
import { Recorder } from './recorder.ts';

/** The same world as somebody at `host` sees it. */
export function worldAt(world: VirtualEnvironment, host: string): VirtualEnvironment {
  const tcp = (world.transports.tcp as MemoryNetwork).at(host, world.clock);
  return { ...world, transports: { tcp, ws: tcp } };
}

/** Through the driver, from `host`. */
export function connectFrom(
  fleet: Fleet,
  host: string,
  version: string,
  options?: ConnectOptions,
): Promise<Session> {
  const world = worldAt(fleet.world as VirtualEnvironment, host);
  return connectTo(parseUrl(fleet.url(version)), world, options);
}

/** So many connections from `host` that say nothing of themselves. */
export function silentFrom(fleet: Fleet, host: string, count: number): Promise<Recorder[]> {
  const world = worldAt(fleet.world as VirtualEnvironment, host);
  const all = Array.from({ length: count }, () => dial(world.transports, fleet.address()));
  return world.finish(Promise.all(all)).then((made) => made.map((connection) => new Recorder(connection)));
}

/** A socket from an address of this machine, such as 127.0.0.3, to a port of it; null: it was turned away at once. */
export async function socketFrom(localAddress: string, port: number): Promise<net.Socket | null> {
  const socket = net.connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => {});
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return null;
  }
}
