/** TLS of the admin side: its files, read at the start and at each reload. Connections that are open keep what they have. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import type { ReloadChange } from '../config/plan-reload.ts';
import type { Config } from '../config/schema.ts';
import { SetupError } from '../gateway/build-migration.ts';

export type AdminTls = NonNullable<NonNullable<Config['admin']>['tls']>;

/** What a server of node:https is made of. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: 'TLSv1.2';
}

/**
 * Reads them.
 * @param folder where relative paths start
 * @throws {SetupError} if one can't be read, or the key is not that of the certificate
 */
export function readTlsFiles({ cert, key, clientCa }: AdminTls, folder: string): TlsFiles {
  const read = (file: string) => readFileSync(path.resolve(folder, file));
  try {
    const ca = clientCa === undefined ? undefined : read(clientCa);
    const files: TlsFiles = {
      cert: read(cert),
      key: read(key),
      ca,
      requestCert: ca !== undefined,
      rejectUnauthorized: ca !== undefined,
      minVersion: 'TLSv1.2',
    };
    tls.createSecureContext(files);
    return files;
  } catch (error) {
    throw new SetupError(`admin.tls: ${(error as Error).message}`, { cause: error });
  }
}

/** What a reload says of files that are other ones by now. */
export function changesBetween(before: TlsFiles, after: TlsFiles): ReloadChange[] {
  const isSame = (['cert', 'key', 'ca'] as const).every((name) =>
    Buffer.from(before[name] ?? '').equals(Buffer.from(after[name] ?? '')),
  );
  return isSame ? [] : [{ key: 'admin.tls', sentence: 'admin.tls: another certificate' }];
}
