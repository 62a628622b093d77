/** WebSocket close codes (RFC 6455, 7.4.2: 4000 to 4999 are for applications) and reasons. */
import { CODE_NAMES, type Code } from '../policy/codes.ts';

/** What a WebSocket's close frame carries. */
export interface CloseReason {
  readonly code: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason: string;
}

export const NORMAL: CloseReason = { code: 1000, reason: '' };
export const GOING_AWAY: CloseReason = { code: 1001, reason: 'the gate is shutting down' };
export const TEXT_REFUSED: CloseReason = { code: 1003, reason: 'binary messages only' };
export const TOO_LONG: CloseReason = { code: 1009, reason: 'message too long' };

/** 4000 for the first code of the reference table, and so on; the order of that table is therefore fixed. */
export function closeCodeOf(code: Code): number {
  return 4000 + CODE_NAMES.indexOf(code);
}

/** How a WebSocket closes after a refusal: the code's own number, and `CODE: message` in at most 123 bytes of UTF-8. */
export function closeReasonOf(code: Code, message: string): CloseReason {
  return { code: closeCodeOf(code), reason: truncate(`${code}: ${message}`, 123) };
}

/** The longest prefix of whole characters that fits into `limit` bytes of UTF-8. */
export function truncate(text: string, limit: number): string {
  const target = new Uint8Array(limit);
  const { read } = new TextEncoder().encodeInto(text, target);
  return text.slice(0, read);
}
