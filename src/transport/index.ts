import type { Transports } from './address.ts';
import { realClock } from './real.ts';
import { tcp } from './tcp.ts';
import { ws } from './ws.ts';

/** What a process has: sockets. */
export const realTransports: Transports = { tcp, ws };

/** And time. */
export const realRuntime = { transports: realTransports, clock: realClock };
