import type { Code } from '../policy/codes.ts';

/** The peer broke the protocol. `code` is what a refusal or a log record says. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly code: Extract<Code, 'BAD_HANDSHAKE' | 'PROTOCOL_UNSUPPORTED'>;
  constructor(message: string, code: WireFault['code'] = 'BAD_HANDSHAKE') {
    super(message);
    this.code = code;
  }
}

/** This side called something in a state where it is not legal: a bug here, never the peer's doing. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError';
}
