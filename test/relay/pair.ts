/** A session to test a relay with: a client and a server on real sockets, and between them what a gate would have. */
import { onTestFinished } from 'vitest';
import type { EarlyData } from '../../src/frontend/early-data.ts';
import type { Connection, Transport } from '../../src/ports/transport.ts';
import type { End, Relay, RelayEngine } from '../../src/relay/relay.ts';
import { Recorder } from '../support/recorder.ts';

export interface Way {
  readonly engine: RelayEngine;
  /** What the client comes by. */
  readonly clients: Transport;
  /** What the server is dialled by. */
  readonly servers: Transport;
}

/** Both ends, as their programs see them, and the connections of the gate between them. */
export interface Ends {
  readonly client: Recorder;
  readonly server: Recorder;
  readonly towardsClient: Connection;
  readonly towardsServer: Connection;
}

export interface Session extends Ends {
  readonly relay: Relay;
}

const NOTHING: EarlyData = { chunks: [], ended: false };

async function connect(transport: Transport): Promise<[near: Connection, far: Connection]> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await transport.listen('127.0.0.1:0', { accept: accepted.resolve });
  const near = await transport.dial(listener.address);
  const far = await accepted.promise;
  await listener.close();
  return [near, far];
}

/** Everything but the relay. */
export async function endsOf({ clients, servers }: Way): Promise<Ends> {
  const [client, towardsClient] = await connect(clients);
  const [towardsServer, server] = await connect(servers);
  onTestFinished(() => {
    for (const connection of [client, towardsClient, towardsServer, server]) connection.destroy();
  });
  return { client: new Recorder(client), server: new Recorder(server), towardsClient, towardsServer };
}

/** A session under way. */
export async function sessionOf(way: Way, early: EarlyData = NOTHING): Promise<Session> {
  const ends = await endsOf(way);
  return { ...ends, relay: way.engine.start(ends.towardsClient, ends.towardsServer, early) };
}

/** How a relay ends. */
export function endOf(relay: Relay): Promise<End> {
  return new Promise((resolve) => relay.whenOver(resolve));
}

/** Sends all chunks, each when there is room for it. `from` must not have a `drain` of its own. */
export async function sendAll(from: Recorder, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) {
    const drains = from.count('drain');
    if (!from.connection.send(chunk)) await from.until(() => from.count('drain') > drains, 'drain');
  }
}
