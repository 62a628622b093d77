/** What the programs in C say, in the bytes of the project's own encoder. */
import { forWire } from '../../src/frontend/wire-limits.ts';
import { ClientHandshake } from '../../src/handshake/client.ts';
import { decide } from '../../src/policy/decide.ts';
import { PRESETS } from '../../src/policy/presets.ts';
import { parseVersion } from '../../src/version/version.ts';
import { encodeMessage } from '../../src/wire/messages.ts';
import { encodePreface } from '../../src/wire/preface.ts';

const CLIENT = '4.14.0';
const SERVER = '4.14.1';
/** Schema level of 4.14. */
const LEVEL = 28;

/** What every client says first: preface and hello. */
export const HELLO = new ClientHandshake({
  version: CLIENT,
  driver: 'bench',
  properties: { user: 'bench' },
}).start();

/** What a server answers to a gate that asks who it is. */
export function serverHello(level: number): Uint8Array {
  return Buffer.concat([
    encodePreface(),
    encodeMessage('serverHello', { id: 'bench', version: SERVER, level }),
  ]);
}

/** The same permit that a gate would give, for clients that reach the backend without one. */
export const PERMIT = Buffer.concat([encodePreface(), encodeMessage('permit', permitMessage())]);

/** What a gate tells an admitted client. */
export function permitMessage() {
  const servers = ['s1', 's2', 's3'].map((id) => ({
    id,
    version: parseVersion(SERVER),
    state: 'up' as const,
  }));
  const decision = decide(
    { version: parseVersion(CLIENT), upgrade: 'may' },
    { servers, level: LEVEL, upgrade: { state: 'idle' } },
    PRESETS.phoenix,
  );
  return {
    session: '0123456789abcdef',
    server: { id: 's1', version: SERVER },
    level: LEVEL,
    waitedMs: 0,
    notices: [],
    decision: forWire(decision),
  };
}
