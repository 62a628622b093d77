/** Ledger addresses: `memory:`, `sqlite:PATH`, `etcd://HOST:PORT,HOST:PORT`. */
import { parseHostPort } from '../../transport/address.ts';

export type LedgerUrl =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'etcd'; readonly hosts: readonly string[] };

/** @throws {Error} saying what is wrong. */
export function parseLedgerUrl(text: string): LedgerUrl {
  if (text === 'memory:') return { kind: 'memory' };
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length)
    return { kind: 'sqlite', path: text.slice('sqlite:'.length) };
  if (text.startsWith('etcd://')) {
    const hosts = text.slice('etcd://'.length).split(',');
    for (const host of hosts) parseHostPort(host);
    return { kind: 'etcd', hosts };
  }
  throw new Error(
    `${JSON.stringify(text)} is not a ledger: memory:, sqlite:PATH or etcd://HOST:PORT,HOST:PORT`,
  );
}
