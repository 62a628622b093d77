/** The decision logs of a fleet's gates, read while they are written, over all restarts of each gate. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Logged } from '../driver.ts';

const CHUNK = 65_536;
const BREAK = 0x0a;

/** Reads the decision logs of several gates as they grow, as one log. */
export class LogReader {
  readonly #gates: ReadonlyArray<{
    readonly id: string;
    readonly log: GrowingLog;
    readonly open: Set<string>;
  }>;
  readonly #records: Logged[] = [];
  readonly #lines: string[] = [];

  /** @param files by gate id. */
  constructor(files: Readonly<Record<string, string>>) {
    this.#gates = Object.entries(files).map(([id, file]) => ({
      id,
      log: new GrowingLog(file),
      open: new Set(),
    }));
  }

  /** Of all gates, in the order of their time stamps as far as they were read together. */
  get records(): readonly Logged[] {
    this.read();
    return this.#records;
  }

  /** The same as NDJSON. */
  get lines(): readonly string[] {
    this.read();
    return this.#lines;
  }

  /** How many sessions this gate has opened and not ended since `forget`. */
  sessions(gate: string): number {
    this.read();
    return this.#openAt(gate).size;
  }

  /** The gate is gone, and its sessions with it. */
  forget(gate: string): void {
    this.read();
    this.#openAt(gate).clear();
  }

  /** Takes in what is new. */
  read(): void {
    const fresh = this.#gates.flatMap(({ log, open }) =>
      log.read().map((record) => {
        if (record.event === 'handshake' && record.session !== null) open.add(record.session);
        if (record.event === 'session-end') open.delete(record.session);
        return record;
      }),
    );
    fresh.sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
    for (const record of fresh) {
      this.#records.push(record);
      this.#lines.push(`${JSON.stringify(record)}\n`);
    }
  }

  /** What was read so far stays. */
  close(): void {
    this.read();
    for (const { log } of this.#gates) log.close();
  }

  #openAt(gate: string): Set<string> {
    return this.#gates.find(({ id }) => id === gate)?.open ?? new Set();
  }
}

/** The file is there from the beginning, so that it can be read before its gate writes to it. */
class GrowingLog {
  readonly #fd: number;
  #rest: Buffer = Buffer.alloc(0);
  #closed = false;

  constructor(file: string) {
    this.#fd = openSync(file, 'a+');
  }

  /** What is new since the last call. A line that a killed gate left half written is passed over. */
  read(): Logged[] {
    const records: Logged[] = [];
    const chunk = Buffer.alloc(CHUNK);
    while (!this.#closed) {
      const count = readSync(this.#fd, chunk);
      if (count === 0) break;
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, count)]);
      const end = bytes.lastIndexOf(BREAK) + 1;
      this.#rest = bytes.subarray(end);
      for (const line of bytes.toString('utf8', 0, end).split('\n')) records.push(...parse(line));
    }
    return records;
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }
}

function parse(line: string): Logged[] {
  try {
    return line === '' ? [] : [JSON.parse(line)];
  } catch {
    return [];
  }
}
