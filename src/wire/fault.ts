/** The two errors of the protocol's core: one is the peer's doing, the other this side's. */
import type { Code } from '../policy/codes.ts';

/** The peer broke the protocol. `code` is what the refusal and the log's record say; the message is a clause. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly code: Extract<Code, 'BAD_HANDSHAKE' | 'PROTOCOL_UNSUPPORTED'>;

  /** @param message a clause in lower case: what the peer did */
  constructor(message: string, code: WireFault['code'] = 'BAD_HANDSHAKE') {
    super(message);
    this.code = code;
  }
}

/** This side called something in a state where it is not legal: a bug here, never the peer's doing. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError';
}
