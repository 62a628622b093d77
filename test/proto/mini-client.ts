/**
 * A client written from proto/README.md alone: it imports nothing of the project, so that what the text leaves out
 * would show here.
 */
import { once } from 'node:events';
import net from 'node:net';

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export interface Frame {
  readonly type: number;
  readonly value: { [key: string]: Value };
}

/** "Preface": magic, revision 1 to 1, two reserved bytes. */
const PREFACE = Buffer.from('f5534b4701010000', 'hex');
export const PERMIT = 0x02;
export const REFUSE = 0x04;

/** "Frames": type, length, payload. */
function frame(type: number, value: Value): Buffer {
  const payload = pack(value);
  const header = Buffer.alloc(5);
  header[0] = type;
  header.writeUInt32BE(payload.length, 1);
  return Buffer.concat([header, payload]);
}

export const greeting = (hello: Value): Buffer => Buffer.concat([PREFACE, frame(0x01, hello)]);

/** "Payload", in its longest formats: any format of a type may be used. */
function pack(value: Value): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'string')
    return Buffer.concat([length(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (Array.isArray(value)) return Buffer.concat([length(0xdd, value.length), ...value.map(pack)]);
  const entries = Object.entries(value).flatMap(([key, item]) => [pack(key), pack(item)]);
  return Buffer.concat([length(0xdf, entries.length / 2), ...entries]);
}

function length(format: number, count: number): Buffer {
  const bytes = Buffer.alloc(5, format);
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

/** Reads the gate's side: its preface, frames, and after a permit raw bytes. */
export class GateBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  push(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** Lowest and highest revision, once all eight bytes are there. */
  preface(): [number, number] | null {
    if (this.#bytes.length < 8) return null;
    if (this.#bytes.readUInt32BE(0) !== 0xf5534b47) throw new Error('no gate');
    const range: [number, number] = [this.#bytes.readUInt8(4), this.#bytes.readUInt8(5)];
    this.#bytes = this.#bytes.subarray(8);
    return range;
  }

  frame(): Frame | null {
    if (this.#bytes.length < 5) return null;
    const end = 5 + this.#bytes.readUInt32BE(1);
    if (this.#bytes.length < end) return null;
    const type = this.#bytes.readUInt8(0);
    this.#at = 5;
    const value = this.#unpack() as Frame['value'];
    if (this.#at !== end) throw new Error('a payload that is not one value');
    this.#bytes = this.#bytes.subarray(end);
    return { type, value };
  }

  rest(): Buffer {
    return this.#bytes;
  }

  #unpack(): Value {
    const first = this.#uint(1);
    if (first <= 0x7f) return first;
    if (first <= 0x8f) return this.#map(first & 0x0f);
    if (first <= 0x9f) return this.#array(first & 0x0f);
    if (first <= 0xbf) return this.#text(first & 0x1f);
    if (first >= 0xe0) return first - 256;
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        this.#at += 8;
        return this.#bytes.readDoubleBE(this.#at - 8);
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdc:
        return this.#array(this.#uint(2));
      case 0xde:
        return this.#map(this.#uint(2));
      default:
        throw new Error(`format 0x${first.toString(16)} is not needed here`);
    }
  }

  #uint(width: number): number {
    this.#at += width;
    return this.#bytes.readUIntBE(this.#at - width, width);
  }

  #text(count: number): string {
    this.#at += count;
    return this.#bytes.toString('utf8', this.#at - count, this.#at);
  }

  #array(count: number): Value[] {
    return Array.from({ length: count }, () => this.#unpack());
  }

  #map(count: number): { [key: string]: Value } {
    return Object.fromEntries(
      Array.from({ length: count }, () => [this.#unpack() as string, this.#unpack()]),
    );
  }
}

export interface Talk {
  /** Range in the gate's preface. */
  readonly revisions: [number, number] | null;
  readonly frames: readonly Frame[];
  /** Raw bytes behind the permit. */
  readonly raw: string;
}

/** One whole connection over TCP: sends all, half-closes, reads to the end. */
export async function talk(port: number, bytes: Uint8Array, signal: AbortSignal): Promise<Talk> {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true, signal });
  const gate = new GateBytes();
  socket.on('data', (chunk: Buffer) => gate.push(chunk));
  socket.end(bytes);
  await once(socket, 'end', { signal });
  socket.destroy();
  return read(gate);
}

export function read(gate: GateBytes): Talk {
  const revisions = gate.preface();
  const frames: Frame[] = [];
  for (let next = gate.frame(); next !== null; next = gate.frame()) {
    frames.push(next);
    if (next.type === PERMIT || next.type === REFUSE) break;
  }
  return { revisions, frames, raw: gate.rest().toString() };
}
