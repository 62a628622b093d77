import type { Transports } from './address.ts';
import { tcp } from './tcp.ts';
import { ws } from './ws.ts';

/** What a process has: sockets. */
export const realTransports: Transports = { tcp, ws };
