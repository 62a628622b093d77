/** Where the admin side listens: a TCP port, or a Unix socket that only its owner may open. */
import { renameSync, statSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { AdminAddress } from '../config/admin.ts';
import { printHostPort } from '../transport/address.ts';

const OWNER_ONLY = 0o177;

/** A server that is bound. */
export interface Bound {
  /** `http://HOST:PORT` or `https://HOST:PORT`, or `unix:PATH`. */
  readonly address: string;
  /** Takes back what binding left in the file system, unless it is another gate's by now. */
  readonly release: () => void;
}

export interface Binding {
  readonly address: AdminAddress;
  /** Where a relative path starts. */
  readonly folder: string;
  /** Whether a gate that is to be replaced may still have the address, and the next one may take it over. */
  readonly shared: boolean;
  /** Whether it speaks TLS. */
  readonly isSecure: boolean;
}

/** Binds a server. @throws {Error} if it can't be bound */
export async function listenOn(
  server: net.Server,
  { address, folder, shared, isSecure }: Binding,
): Promise<Bound> {
  if (address.kind === 'unix') return listenOnSocket(server, path.resolve(folder, address.path), shared);
  const { host, port } = address;
  await listening(server, () => server.listen({ host, port, reusePort: shared }));
  const bound = server.address() as net.AddressInfo;
  return {
    address: `http${isSecure ? 's' : ''}://${printHostPort({ host: bound.address, port: bound.port })}`,
    release: () => {},
  };
}

/**
 * The socket is bound under a name of this process and then given its own: it takes the place of what a killed gate left
 * or a gate leaves that is replaced, and such a gate, when it ends, takes away only its own name, which is gone.
 */
async function listenOnSocket(server: net.Server, file: string, shared: boolean): Promise<Bound> {
  if (!shared && (await isTaken(file)))
    throw Object.assign(new Error(`listen EADDRINUSE: address already in use ${file}`), {
      code: 'EADDRINUSE',
    });
  const own = `${file}.${process.pid}`;
  await listening(server, () => {
    // Made with the rights it is to have: between making and changing them somebody else might open it.
    const before = process.umask(OWNER_ONLY);
    try {
      server.listen({ path: own });
    } finally {
      process.umask(before);
    }
  });
  renameSync(own, file);
  const { ino } = statSync(file);
  const release = () => {
    if (statSync(file, { throwIfNoEntry: false })?.ino === ino) unlinkSync(file);
  };
  return { address: `unix:${file}`, release };
}

function listening(server: net.Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      // An accept that fails, as all do while no descriptor is left, ends nothing.
      server.on('error', () => {});
      resolve();
    });
    listen();
  });
}

/** Whether somebody listens there, or there is something that is no socket at all. */
async function isTaken(file: string): Promise<boolean> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isSocket()) return true;
  return new Promise<boolean>((resolve) => {
    const socket = net.connect({ path: file });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}
