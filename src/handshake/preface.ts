import { WireFault } from '../wire/fault.ts';
import type { FrameReader } from '../wire/frame.ts';
import type { Revisions } from '../wire/preface.ts';

/** What a peer that is no skewgate peer seems to speak, for the answer it gets and for the log. */
export class StrayPeer extends WireFault {
  readonly speaks: 'http' | 'tls' | 'unknown';
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
