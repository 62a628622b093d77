/** Whether an open session has to end, now that policy would decide otherwise about its client (M4, J1). */
import { CODES } from '../policy/codes.ts';
import type { Decision } from '../policy/types.ts';
import type { SessionClose } from './sessions.ts';

/** How the session is to be ended; null: it goes on, whether or not its client would be admitted today. */
export function endOfSession({ code, message }: Decision): SessionClose | null {
  const reason = CODES[code].endsSessions;
  return reason === false ? null : { reason, code, message };
}
