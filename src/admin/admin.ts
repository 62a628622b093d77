/** The admin side of one gate: the listener for operators, from its start to its end. */
import { parseAdminAddress } from '../config/admin.ts';
import type { Config } from '../config/schema.ts';
import type { Gate } from '../gateway/gate.ts';
import { sessionsByLine } from '../gateway/sessions-by-line.ts';
import { createApp } from './app.ts';
import type { AdminContext, App } from './context.ts';
import { Credentials } from './credentials.ts';
import { listenOn } from './listen.ts';

/** An admin side that listens. */
export interface Admin {
  /** As bound: `http://HOST:PORT`, or `unix:PATH`. */
  readonly address: string;
  /** What an operator opens or passes on: the address, over HTTP with the token, if that was made. */
  readonly link: string;
  readonly credentials: Credentials;
  /** Takes nobody new, where another gate has the address by now; who is connected stays so. */
  retire(): void;
  /** Closes the listener and every connection. */
  close(): Promise<void>;
}

/**
 * Starts the admin side of a gate whose config has one.
 * @param folder where relative paths of the config start
 * @throws {SetupError} if a token can't be read or made
 * @throws {Error} if its address can't be bound
 */
export async function startAdmin(
  context: AdminContext,
  config: NonNullable<Config['admin']>,
  folder: string,
): Promise<Admin> {
  const { listen, hosts, metricsToken } = config;
  const address = parseAdminAddress(listen);
  const credentials = new Credentials(config, folder);
  const app = await createApp(context, {
    credentials,
    metricsToken,
    refused: context.metrics.countRefusedRequest,
    hosts: address.kind === 'unix' ? null : [address.host, ...hosts],
  });
  const shared = context.config().reusePort;
  const { address: bound, release } = await listenOn(app.server, { address, folder, shared }).catch(
    async (error) => {
      await app.close();
      throw error;
    },
  );
  const { gate, recent } = context;
  recent.charts.start(() => ({ lines: sessionsByLine(gate), held: heldBy(gate) }));
  return {
    address: bound,
    link: linkTo(bound, address.kind === 'unix' ? null : credentials.made),
    credentials,
    retire() {
      if (!shared) return;
      release();
      app.server.close();
    },
    async close() {
      recent.charts.stop();
      release();
      await closeAll(app);
    },
  };
}

function linkTo(address: string, token: string | null): string {
  return token === null ? address : `${address}/#token=${token}`;
}

function heldBy(gate: Gate): number {
  return Object.values(gate.status().heldFor).reduce((sum, count) => sum + count, 0);
}

/** Streams that are being read end with it. */
async function closeAll(app: App): Promise<void> {
  await new Promise<void>((resolve) => {
    app.server.close(() => resolve());
    app.server.closeAllConnections();
  });
  await app.close();
}
