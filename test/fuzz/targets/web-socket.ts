/** Frames of a WebSocket client. In whatever chunks they come, they hold the same bytes, or the same fault. */
import { FrameReader, frameOf, OPCODES } from '../../../src/transport/ws-frames.ts';
import type { OpenTarget } from '../target.ts';

const LIMIT = 65_536;

/** A client's frame, with the mask 0, which changes nothing. */
function masked(opcode: number, payload: string, first = 0x80 | opcode): Buffer {
  const frame = frameOf(opcode, Buffer.from(payload));
  const header = frame.subarray(0, frame.length - payload.length);
  header[0] = first;
  header[1] = (header[1] as number) | 0x80;
  return Buffer.concat([header, Buffer.alloc(4), Buffer.from(payload)]);
}

/** The reader of a stream's frames. */
export const openFrames: OpenTarget = async () => ({
  corpus: [
    masked(OPCODES.binary, 'hello'),
    masked(OPCODES.text, 'hello'),
    Buffer.concat([
      masked(OPCODES.binary, 'he', 0x02),
      masked(OPCODES.continuation, 'llo'),
      masked(OPCODES.ping, 'p'),
    ]),
    Buffer.concat([masked(OPCODES.binary, 'x'.repeat(300)), masked(OPCODES.close, '\u0003\u00e8bye')]),
    Buffer.concat([masked(OPCODES.binary, ''), masked(OPCODES.binary, 'after the end')]),
    Buffer.concat([masked(OPCODES.pong, ''), masked(OPCODES.close, '')]),
  ].map((frames) => Buffer.concat([Buffer.of(3), frames])),
  words: ['\u0082\u0080', '\u0088\u0082', '\u0080\u0080', '\u0082\u00fe', '\u0082\u00ff'],
  longest: 2_048,
  run(input) {
    const size = Math.max(1, input[0] ?? 1);
    const [bySize, atOnce] = [size, input.length].map((step) => readIn(input.subarray(1), step));
    if (bySize !== atOnce) throw new Error(`in chunks of ${size}: ${bySize}, at once: ${atOnce}`);
  },
});

function readIn(bytes: Uint8Array, size: number): string {
  const reader = new FrameReader();
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length && reader.fault === null && reader.closed === null; at += size) {
    reader.read(Buffer.from(bytes.subarray(at, at + size)), LIMIT);
    parts.push(Buffer.from(reader.chunk.subarray(reader.start, reader.end)));
  }
  const { closed, ended } = reader;
  // A text is refused in any case; whether it was UTF-8 is looked at only where all of it is there.
  const isText = reader.fault?.closeReason.code === 1003 || reader.fault?.closeReason.code === 1007;
  const fault = isText ? 'text' : reader.fault;
  return JSON.stringify({ fault, closed, ended, bytes: Buffer.concat(parts).toString('hex') });
}
