/** From single entries of a config to the parts of a gate that stand for them, at its start and at each reload. */
import type { BackEnd } from '../backend/back-end.ts';
import { createMysqlBackEnd } from '../backend/mysql.ts';
import { createPlainBackEnd, createQuietBackEnd } from '../backend/plain.ts';
import { createSkewgateBackEnd } from '../backend/skewgate.ts';
import { createVersionProbe } from '../backend/version-probe.ts';
import type { ServerEntry } from '../cluster/server-state.ts';
import type { Config } from '../config/schema.ts';
import { claimsOf, spokenOn } from '../config/speaks.ts';
import { createAssumedFrontEnd } from '../frontend/assumed.ts';
import type { FrontEnd } from '../frontend/front-end.ts';
import { createSkewgateFrontEnd } from '../frontend/skewgate.ts';
import { speakingFrontEnd } from '../frontend/speaks.ts';
import type { Clock } from '../ports/clock.ts';
import { parseVersion } from '../version/version.ts';
import type { ListenerEntry } from './listeners.ts';

/** A server of the config, with the back end that knows how to speak to it. @param gate the gate's id */
export function serverOf(
  { id, address, version, probe, speaks, protocol, warm }: Config['servers'][number],
  gate: string,
  folder: string,
): ServerEntry {
  const backEnd =
    speaks === 'mysql'
      ? mysqlBackEnd({ version, probe }, folder)
      : version === undefined
        ? createSkewgateBackEnd(gate)
        : typeof version === 'string'
          ? statedBackEnd(version, probe)
          : createPlainBackEnd(createVersionProbe(version, folder));
  return { id, address, backEnd, ...(protocol && { protocol }), ...(warm && { warm }) };
}

function mysqlBackEnd(
  { version, probe }: Pick<Config['servers'][number], 'version' | 'probe'>,
  folder: string,
): BackEnd {
  if (version === undefined) return createMysqlBackEnd({});
  if (typeof version !== 'string')
    return createMysqlBackEnd({ probeVersion: createVersionProbe(version, folder) });
  const stated = parseVersion(version);
  return createMysqlBackEnd(probe === 'none' ? { stated } : { probeVersion: async () => stated });
}

/** A version that the config states needs no question; what is asked is whether the server is there. */
function statedBackEnd(version: string, probe: Config['servers'][number]['probe'] = 'connect'): BackEnd {
  const parsed = parseVersion(version);
  return probe === 'none' ? createQuietBackEnd(parsed) : createPlainBackEnd(async () => parsed);
}

/** A listener of the config, with the front end that knows how its clients speak. */
export function listenerOf(
  entry: Config['listen'][number],
  clock: Clock,
  handshakeTimeout: number,
  { shared, socket }: Pick<ListenerEntry, 'shared' | 'socket'> = {},
): ListenerEntry {
  const { tcp, ws, origins } = entry;
  return {
    address: tcp === undefined ? `ws://${ws}` : `tcp://${tcp}`,
    ...(origins && { origins }),
    ...(shared && { shared }),
    ...(socket !== undefined && { socket }),
    frontEnd: frontEndOf(entry, clock, handshakeTimeout),
  };
}

function frontEndOf(entry: Config['listen'][number], clock: Clock, handshakeTimeout: number): FrontEnd {
  const { assume, upgrade = 'may', protocol, strip = false } = entry;
  const spoken = spokenOn(entry);
  if (spoken !== null)
    return speakingFrontEnd(spoken, { clock, handshakeTimeout, claims: claimsOf(entry, spoken), strip });
  if (assume === undefined) return createSkewgateFrontEnd({ clock, handshakeTimeout });
  return createAssumedFrontEnd({ version: assume, upgrade, ...(protocol && { protocol }) });
}
