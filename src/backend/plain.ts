/**
 * The back end `plain`: a server that does not speak the handshake. Its version is stated, or a version probe
 * tells it; a session is nothing but the client's bytes.
 */
import { toAbortSignal } from '../ports/cancellation.ts';
import type { Connection } from '../ports/transport.ts';
import type { Version } from '../version/version.ts';
import type { BackEnd, Purpose, ServerLink } from './back-end.ts';

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
        connection,
        identity: version && { version, draining: false, level: null, token: null, ledgers: [] },
        openSession() {},
        close: () => connection.close(),
      };
    },
  };
}
