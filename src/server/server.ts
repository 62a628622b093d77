/**
 * A simulated server: speaks the server's side of the handshake, echoes what a session sends, and upgrades the
 * system tables when the gate asks it to.
 */
import { type ServerEvent, ServerHandshake } from '../handshake/server.ts';
import type { ProtocolRange } from '../policy/types.ts';
import { Changes } from '../ports/changes.ts';
import { type Clock, deadline, pause } from '../ports/clock.ts';
import type { Connection, ConnectionHandlers, Listener } from '../ports/transport.ts';
import { splitAddress, type Transports } from '../transport/address.ts';
import { printVersion, type Version } from '../version/version.ts';
import type { Message } from '../wire/messages.ts';
import type { Tables } from './tables.ts';

/** What a simulated server is, and what is passed in. */
export interface ServerOptions {
  /** Default: its address as bound. */
  readonly id?: string;
  readonly version: Version;
  /** With scheme. */
  readonly listen: string;
  readonly transports: Transports;
  readonly clock: Clock;
  /** Absent: the server reports no level and runs no upgrade. */
  readonly tables?: Tables;
  readonly protocol?: ProtocolRange;
  /** How long an upgrade step takes, ms. */
  readonly upgradeMs?: number;
  /** What a session is told and does; default: echo. */
  readonly serve?: Serve;
}

/** Takes an admitted client's connection; returns its handlers. */
export type Serve = (
  connection: Connection,
  open: Message<'open'>,
) => Pick<ConnectionHandlers, 'data' | 'end' | 'drain'>;

/** A simulated server that listens. `leave`, then `idle`, then `close` is a shutdown in order. */
export interface SimulatedServer {
  /** As bound, with scheme. */
  readonly address: string;
  /** Announces that it leaves: it says so in its hello, and gets no new sessions. */
  leave(): void;
  /** Resolves when no session is left, after `grace` ms, or when `force` aborts. */
  idle(grace: number, force?: AbortSignal): Promise<void>;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/** ms that a connection may take until it is handed a client or an upgrade. */
const HANDSHAKE_LIMIT = 10_000;
const UPGRADE_STEPS = 10;

/** Starts a simulated server, which listens when the promise resolves. @throws {Error} if it can't */
export async function startServer(options: ServerOptions): Promise<SimulatedServer> {
  const [scheme, address] = splitAddress(options.listen);
  const transport = options.transports[scheme];
  if (transport === undefined) throw new Error(`no transport for ${scheme}://`);
  const connections = new Set<Connection>();
  const left = new Changes();
  const state = { draining: false, id: options.id ?? options.listen };
  const accept = (connection: Connection) => {
    connections.add(connection);
    const forget = () => {
      connections.delete(connection);
      left.notify();
    };
    converse(connection, { ...options, state, forget });
  };
  const listener: Listener = await transport.listen(address, { accept });
  const bound = `${scheme}://${listener.address}`;
  state.id = options.id ?? bound;
  return {
    address: bound,
    leave() {
      state.draining = true;
    },
    async idle(grace, force) {
      const limit = deadline(options.clock, grace, force);
      while (connections.size > 0 && !limit.signal.aborted) await left.next(limit.signal);
      limit.clear();
    },
    async close() {
      await listener.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

interface Context extends ServerOptions {
  readonly state: { readonly draining: boolean; readonly id: string };
  readonly forget: () => void;
}

/** Nothing new: what came before is looked at again. */
const NOTHING = new Uint8Array(0);

function converse(connection: Connection, context: Context): void {
  const handshake = new ServerHandshake();
  const limit = context.clock.after(HANDSHAKE_LIMIT, () => connection.destroy());
  const asker = { gone: false };
  const receive = (bytes: Uint8Array): void => {
    try {
      for (const event of handshake.receive(bytes)) take(event);
    } catch {
      connection.destroy();
    }
  };
  const take = (event: ServerEvent): void => {
    if (event.kind === 'identify') {
      connection.send(handshake.hello(helloOf(context)));
      // What came in one piece with the question may be a fault, which ends the connection at once.
      return receive(NOTHING);
    }
    limit.cancel();
    if (event.kind === 'open') {
      const { serve, forget } = context;
      const session: ConnectionHandlers = serve
        ? { ...serve(connection, event.open), close: forget }
        : new Echo(connection, forget);
      connection.handle(session);
      if (event.early.length > 0) session.data(event.early);
      return;
    }
    void upgrade(connection, handshake, event.request, context, asker).then(() => {
      if (!asker.gone) receive(NOTHING);
    });
  };
  connection.handle({
    data: receive,
    end: () => connection.end(),
    drain() {},
    close() {
      limit.cancel();
      asker.gone = true;
      context.forget();
    },
  });
}

function helloOf({ version, tables, protocol, state }: Context) {
  return {
    id: state.id,
    version: printVersion(version),
    level: tables?.level ?? null,
    token: tables?.token ?? null,
    ledgers: [...(tables?.ledgers ?? [])],
    draining: state.draining,
    ...(protocol && { protocol }),
  };
}

/** What a session is where nothing else is served. One small object, since a server may have very many. */
class Echo implements ConnectionHandlers {
  readonly #connection: Connection;
  readonly close: () => void;

  constructor(connection: Connection, close: () => void) {
    this.#connection = connection;
    this.close = close;
  }

  data(bytes: Uint8Array): void {
    if (!this.#connection.send(bytes)) this.#connection.pause();
  }

  end(): void {
    this.#connection.end();
  }

  drain(): void {
    this.#connection.resume();
  }
}

async function upgrade(
  connection: Connection,
  handshake: ServerHandshake,
  request: Message<'upgradeRequest'>,
  { tables, clock, upgradeMs = 0 }: Context,
  asker: { readonly gone: boolean },
): Promise<void> {
  const answer = (error: string | null) => {
    if (!asker.gone) connection.send(handshake.result({ level: tables?.level ?? null, error }));
  };
  if (tables === undefined) return answer('this server keeps no system tables');
  try {
    tables.begin(request.token, request.ledger);
    for (let part = 1; part <= UPGRADE_STEPS && tables.level < request.toLevel; part++) {
      await pause(clock, upgradeMs / UPGRADE_STEPS);
      // Who asked is gone, or was told to stop.
      if (asker.gone) return;
      // Somebody began anew under a higher token: `complete` says so.
      if (tables.token > request.token) break;
      connection.send(
        handshake.progress({
          done: part / UPGRADE_STEPS,
          text: `upgrading the system tables to ${request.to} (level ${request.toLevel}), part ${part} of ${UPGRADE_STEPS}`,
        }),
      );
    }
    tables.complete(request.token, request.toLevel, request.ledger);
    answer(null);
  } catch (error) {
    answer((error as Error).message);
  }
}
