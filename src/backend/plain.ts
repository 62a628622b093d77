/**
 * The back end `plain`: a server that does not speak the handshake. Its version is stated, or a version probe
 * tells it; a session is nothing but the client's bytes.
 */
import { toAbortSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';
import type { Version } from '../version/version.ts';
import type { BackEnd, Purpose, ServerIdentity, ServerLink } from './back-end.ts';

/**
 * A back end for a server that knows nothing of the gate.
 * @param probeVersion asked at every probe; never for a session once a version is known: that a server lets a
 * session in says nothing of its release
 */
export function createPlainBackEnd(probeVersion: (signal: AbortSignal) => Promise<Version>): BackEnd {
  return {
    protocol: 'plain',
    isTransparent: true,
    async identify(connection: Connection, purpose: Purpose, known: boolean, signal): Promise<ServerLink> {
      const version = purpose === 'probe' || !known ? await probeVersion(toAbortSignal(signal)) : null;
      return {
        ...linkTo(connection),
        identity: version && identityOf(version),
      };
    },
  };
}

/** The same for a server that is never asked: its version is stated, and only sessions connect to it. */
export function createQuietBackEnd(version: Version): BackEnd {
  const stated = identityOf(version);
  return {
    protocol: 'plain',
    isTransparent: true,
    stated,
    identify: async (connection) => ({ ...linkTo(connection), identity: stated }),
  };
}

function identityOf(version: Version): ServerIdentity {
  return { version, draining: false, level: null, token: null, ledgers: [] };
}

function linkTo(connection: Connection): Omit<ServerLink, 'identity'> {
  return { connection, openSession() {}, close: () => connection.close() };
}
