/** The admin side of one gate: the listener for operators, from its start to its end. */
import type { Server } from 'node:tls';
import { parseAdminAddress } from '../config/admin.ts';
import { boundAddress } from '../config/public-admin.ts';
import type { Config } from '../config/schema.ts';
import { SetupError } from '../gateway/build-migration.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Named } from '../gateway/reload.ts';
import { sessionsByLine } from '../gateway/sessions-by-line.ts';
import { createApp } from './app.ts';
import type { AdminContext, App } from './context.ts';
import { Credentials } from './credentials.ts';
import { listenOn } from './listen.ts';
import { changesBetween, readTlsFiles } from './tls.ts';

/** An admin side that listens. */
export interface Admin {
  /** As bound: `http://HOST:PORT`, or `unix:PATH`. */
  readonly address: string;
  /** What an operator opens or passes on: the address, over HTTP with the token, if that was made. */
  readonly link: string;
  /**
   * Reads tokens and certificates again, by another config of the same listener.
   * @throws {SetupError} if one can't be read; nothing has changed then
   */
  prepare(next: NonNullable<Config['admin']>): Named;
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
  const { listen, hosts, metricsToken, tls: stated } = config;
  const named = parseAdminAddress(listen);
  const address = await boundAddress(config).catch((error: Error) => {
    throw new SetupError(error.message, { cause: error });
  });
  let tls = stated === undefined ? null : readTlsFiles(stated, folder);
  const credentials = new Credentials(config, folder);
  const app = await createApp(context, {
    credentials,
    metricsToken,
    tls,
    refused: context.metrics.countRefusedRequest,
    hosts: named.kind === 'unix' ? null : [named.host, ...hosts],
  });
  const shared = context.config().reusePort;
  const binding = { address, folder, shared, isSecure: tls !== null };
  const { address: bound, release } = await listenOn(app.server, binding).catch(async (error) => {
    await app.close();
    throw error;
  });
  const { gate, recent } = context;
  recent.charts.start(() => ({ lines: sessionsByLine(gate), held: heldBy(gate) }));
  return {
    address: bound,
    link: linkTo(bound, address.kind === 'unix' ? null : credentials.made),
    prepare(next) {
      const tokens = credentials.prepare(next);
      const files = tls && next.tls !== undefined ? readTlsFiles(next.tls, folder) : null;
      const changes = tls && files ? changesBetween(tls, files) : [];
      const commit = () => {
        tokens.commit();
        if (files === null || changes.length === 0) return;
        tls = files;
        (app.server as unknown as Server).setSecureContext(files);
      };
      return { changes: [...tokens.changes, ...changes], commit, abandon() {} };
    },
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
