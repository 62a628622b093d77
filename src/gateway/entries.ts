/** From single entries of a config to the parts of a gate that stand for them, at its start and at each reload. */
import type { BackEnd } from '../backend/back-end.ts';
import { createPlainBackEnd, createQuietBackEnd } from '../backend/plain.ts';
import { createSkewgateBackEnd } from '../backend/skewgate.ts';
import { createVersionProbe } from '../backend/version-probe.ts';
import type { ServerEntry } from '../cluster/server-state.ts';
import type { Config } from '../config/schema.ts';
import { createAssumedFrontEnd } from '../frontend/assumed.ts';
import { createSkewgateFrontEnd } from '../frontend/skewgate.ts';
import type { Clock } from '../ports/clock.ts';
import { parseVersion } from '../version/version.ts';
import type { ListenerEntry } from './listeners.ts';

/** A server of the config, with the back end that knows how to speak to it. @param gate the gate's id */
export function serverOf(
  { id, address, version, probe, protocol, warm }: Config['servers'][number],
  gate: string,
  folder: string,
): ServerEntry {
  const backEnd =
    version === undefined
      ? createSkewgateBackEnd(gate)
      : typeof version === 'string'
        ? statedBackEnd(version, probe)
        : createPlainBackEnd(createVersionProbe(version, folder));
  return { id, address, backEnd, ...(protocol && { protocol }), ...(warm && { warm }) };
}

/** A version that the config states needs no question; what is asked is whether the server is there. */
function statedBackEnd(version: string, probe: Config['servers'][number]['probe'] = 'connect'): BackEnd {
  const parsed = parseVersion(version);
  return probe === 'none' ? createQuietBackEnd(parsed) : createPlainBackEnd(async () => parsed);
}

/** A listener of the config, with the front end that knows how its clients speak. */
export function listenerOf(
  { tcp, ws, origins, assume, upgrade = 'may', protocol }: Config['listen'][number],
  clock: Clock,
  handshakeTimeout: number,
  { shared, socket }: Pick<ListenerEntry, 'shared' | 'socket'> = {},
): ListenerEntry {
  return {
    address: tcp === undefined ? `ws://${ws}` : `tcp://${tcp}`,
    ...(origins && { origins }),
    ...(shared && { shared }),
    ...(socket !== undefined && { socket }),
    frontEnd:
      assume === undefined
        ? createSkewgateFrontEnd({ clock, handshakeTimeout })
        : createAssumedFrontEnd({ version: assume, upgrade, ...(protocol && { protocol }) }),
  };
}
