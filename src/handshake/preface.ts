/** The first bytes of a peer, whichever side reads them: a preface, or the sign that something else is speaking. */
import { WireFault } from '../wire/fault.ts';
import type { FrameReader } from '../wire/frame.ts';
import type { Revisions } from '../wire/preface.ts';

/**
 * The fault of a peer that does not begin with a preface. It says what the peer seems to speak, so that it can be
 * answered in that protocol, and the log can name it.
 */
export class StrayPeer extends WireFault {
  readonly speaks: 'http' | 'tls' | 'unknown';

  /** @param speaks judged by the first byte, as proto/README.md says */
  constructor(speaks: StrayPeer['speaks']) {
    super(STRAY[speaks]);
    this.speaks = speaks;
  }
}

const STRAY = {
  http: 'the peer speaks HTTP, not the skewgate handshake',
  tls: 'the peer speaks TLS, not the skewgate handshake',
  unknown: 'the first bytes are not a skewgate preface',
} as const;

/** The peer's revisions once its preface is whole; null until then. @throws {StrayPeer} */
export function takePreface(reader: FrameReader): Revisions | null {
  const read = reader.preface();
  if (read.kind === 'stray') throw new StrayPeer(read.speaks);
  return read.kind === 'more' ? null : read.revisions;
}
