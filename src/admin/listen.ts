/** Where the admin side listens: a TCP port, or a Unix socket that only its owner may open. */
import { statSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { AdminAddress } from '../config/admin.ts';
import { printHostPort } from '../transport/address.ts';

const OWNER_ONLY = 0o177;

/**
 * Binds a server. Returns its address as bound: `http://HOST:PORT`, or `unix:PATH`.
 * @param folder where a relative path starts
 * @throws {Error} if it can't be bound
 */
export async function listenOn(server: net.Server, address: AdminAddress, folder: string): Promise<string> {
  if (address.kind === 'tcp') {
    const { host, port } = address;
    await listening(server, () => server.listen({ host, port }));
    const bound = server.address() as net.AddressInfo;
    return `http://${printHostPort({ host: bound.address, port: bound.port })}`;
  }
  const file = path.resolve(folder, address.path);
  await removeLeftOver(file);
  await listening(server, () => {
    // Made with the rights it is to have: between making and changing them somebody else might open it.
    const before = process.umask(OWNER_ONLY);
    try {
      server.listen({ path: file });
    } finally {
      process.umask(before);
    }
  });
  return `unix:${file}`;
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

/** A socket on which nobody listens any more is what a gate left that was killed. */
async function removeLeftOver(file: string): Promise<void> {
  if (!statSync(file, { throwIfNoEntry: false })?.isSocket()) return;
  const isDead = await new Promise<boolean>((resolve) => {
    const socket = net.connect({ path: file });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
  if (isDead) unlinkSync(file);
}
