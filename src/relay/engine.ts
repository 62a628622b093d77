/** The engines there are, and which of them a gate uses. */
import type { Connection } from '../ports/transport.ts';
import type { Transports } from '../transport/address.ts';
import type { RelayEngine } from './relay.ts';
import { LoanWay, SessionRelay, Way } from './session-relay.ts';

/** As the config names them. */
export const ENGINES = ['auto', 'buffers', 'streams'] as const;

/** Every read has memory of its own, which is handed on: works with any connection. */
export const streams: RelayEngine = engine('streams', Way);

/** Connections that are busy read into a buffer which is used again; what they read is handed on before the next read. */
export const buffers: RelayEngine = engine('buffers', LoanWay);

function engine(name: RelayEngine['name'], Direction: typeof Way): RelayEngine {
  return {
    name,
    start(client: Connection, server: Connection, early, sinceHello) {
      const relay = new SessionRelay(client, server, Direction);
      relay.start(early, sinceHello);
      return relay;
    },
  };
}

/**
 * The engine for a gate on these transports. With `auto` that is `buffers` wherever it works, and the operator is told
 * where it should and does not.
 * @throws {Error} if `buffers` is asked for by name and does not work
 */
export async function chooseEngine(
  wanted: (typeof ENGINES)[number],
  transports: Transports,
  say: (line: string) => void,
): Promise<RelayEngine> {
  if (wanted === 'streams') return streams;
  const tries = Object.values(transports).flatMap(({ lends }) => (lends === undefined ? [] : [lends()]));
  const works = await Promise.all(tries);
  if (works.length > 0 && works.every(Boolean)) return buffers;
  const lack = 'relay: sockets of this Node.js cannot be read into buffers that are used again';
  if (wanted === 'buffers') throw new Error(`${lack}; use auto or streams`);
  if (works.length > 0) say(`${lack}; plain streams are used, which cost more for bulk transfers`);
  return streams;
}
