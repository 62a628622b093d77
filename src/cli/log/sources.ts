/**
 * Where entries come from: files with those that were rotated away before them, standard input, pipes. Each is read
 * as it streams by; several are merged by time, so that a cluster's gates can be read as one.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { identityOf, Tail } from '../tail.ts';
import { UsageError } from '../usage.ts';
import { type Entry, readEntry } from './entry.ts';
import { LineSplitter } from './line-splitter.ts';

/** One FILE of the command line. */
export class Source {
  readonly name: string;
  /** To go on with what is written; null: a stream, which ends by itself. */
  readonly tail: Tail | null;
  /** Lines that were no records. */
  others = 0;
  records = 0;
  readonly #older: readonly FileHandle[];
  readonly #follows: boolean;

  private constructor(name: string, tail: Tail | null, older: readonly FileHandle[], follows: boolean) {
    this.name = name;
    this.tail = tail;
    this.#older = older;
    this.#follows = follows;
  }

  /**
   * @param seen identities of files that other sources read: no file is read twice; those of this source are added
   * @param follows whether a last line may still be being written
   * @returns null if the file is read already
   * @throws {UsageError} if there is no such file
   */
  static async open(name: string, seen: Set<string>, follows: boolean): Promise<Source | null> {
    if (name === '-') return new Source('standard input', null, [], follows);
    const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new UsageError(`${name}: there is no such file`) : error;
    });
    if (found.isDirectory()) throw new UsageError(`${name}: this is a folder, not a file`);
    if (!found.isFile()) return new Source(name, null, [], follows);
    const tail = await Tail.open(name);
    const older: FileHandle[] = [];
    for (const handle of await tail.older())
      if (isNew(await identityOf(handle), seen)) older.push(handle);
      else await handle.close();
    if (isNew(await tail.identity(), seen)) return new Source(name, tail, older, follows);
    await tail.close();
    return null;
  }

  /** Every entry that is there, oldest file first. */
  async *entries(): AsyncGenerator<Entry> {
    for (const handle of this.#older) {
      yield* this.#split(handle.createReadStream({ autoClose: false }));
      await handle.close();
    }
    if (this.tail === null) {
      yield* this.#split(this.name === 'standard input' ? process.stdin : createReadStream(this.name));
      return;
    }
    for await (const lines of this.tail.batches()) yield* this.#parse(lines);
    // A last line without its break: whole, or torn by a crash, or still being written.
    if (!this.#follows) yield* this.#last(this.tail.rest);
  }

  /** A line that came later. */
  read(line: string): Entry | null {
    const entry = readEntry(line);
    if (entry === null) this.others++;
    else this.records++;
    return entry;
  }

  async *#split(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<Entry> {
    const splitter = new LineSplitter();
    for await (const chunk of chunks) yield* this.#parse(splitter.push(Buffer.from(chunk)));
    yield* this.#last(splitter.rest);
  }

  *#parse(lines: readonly string[]): Generator<Entry> {
    for (const line of lines) {
      const entry = this.read(line);
      if (entry !== null) yield entry;
    }
  }

  /** What a crash tore is not counted as something that is no record. */
  *#last(line: string): Generator<Entry> {
    if (readEntry(line) !== null) yield* this.#parse([line]);
  }
}

function isNew(identity: string, seen: Set<string>): boolean {
  if (seen.has(identity)) return false;
  seen.add(identity);
  return true;
}

/** Entries of several sources in the order of time, as far as each is in order; one entry of each is in memory. */
export async function* mergeByTime(streams: ReadonlyArray<AsyncIterator<Entry>>): AsyncGenerator<Entry> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let first = -1;
    for (const [at, head] of heads.entries()) {
      const best = heads[first];
      if (!head.done && (best === undefined || best.done || head.value.at < best.value.at)) first = at;
    }
    const head = heads[first];
    if (head === undefined || head.done) return;
    yield head.value;
    heads[first] = await (streams[first] as AsyncIterator<Entry>).next();
  }
}
