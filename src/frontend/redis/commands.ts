/**
 * What a Redis client sends before it is judged: bytes in, events out, without I/O. Commands with which a client
 * introduces itself come first, if any do; the first other one ends the reading. Lengths are checked before anything is
 * kept. https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

/** Bytes of all commands of one introduction. */
export const MAX_INTRODUCTION = 16_384;
const MAX_ARGUMENTS = 32;
/** Of the commands of one introduction: clients send up to eight. */
const MAX_COMMANDS = 32;
/** Of a line with a count, or of an inline command that may belong to an introduction. */
const MAX_LINE = 1_024;
const [CR, LF, ARRAY, BULK, TLS_HANDSHAKE] = [0x0d, 0x0a, 0x2a, 0x24, 0x16] as const;
/** None of these touches data, and each is sent by some client library before it lets its user in. */
const INTRODUCING: ReadonlySet<string> = new Set([
  'HELLO',
  'AUTH',
  'SELECT',
  'READONLY',
  'CLIENT SETNAME',
  'CLIENT SETINFO',
  'CLIENT MAINT_NOTIFICATIONS',
  'CLIENT NO-EVICT',
  'CLIENT NO-TOUCH',
]);
/** No word of those above is longer. */
const MAX_WORD = 24;

/** The peer's bytes are no command; the message is a sentence. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
}

export type CommandEvent =
  /** One command of the introduction: its words, and as it came. */
  | { readonly kind: 'introduction'; readonly words: readonly string[]; readonly bytes: Uint8Array }
  /** Nothing more is read: what came from the first byte of another command on. */
  | { readonly kind: 'other'; readonly rest: Uint8Array };

/** Reads the commands of one client. */
export class CommandReader {
  #held: Buffer = Buffer.alloc(0);
  #commands = 0;
  #bytes = 0;

  /** Whether nothing has come. */
  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#bytes === 0;
  }

  /**
   * Takes the next bytes; not after an `other`.
   * @throws {CommandFault}
   */
  receive(bytes: Uint8Array): CommandEvent[] {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const events: CommandEvent[] = [];
    for (let at = 0; ; ) {
      const command = readCommand(this.#held, at);
      if (command === 'other') return [...events, { kind: 'other', rest: this.#held.subarray(at) }];
      const end = command === null ? this.#held.length : command.end;
      this.#checkRoom(this.#bytes + end);
      if (command === null) {
        this.#bytes += at;
        this.#held = this.#held.subarray(at);
        return events;
      }
      const { words } = command;
      if (words.length > 0) events.push({ kind: 'introduction', words, bytes: this.#held.subarray(at, end) });
      if (++this.#commands > MAX_COMMANDS)
        throw new CommandFault('The client introduced itself without end.');
      at = end;
    }
  }

  #checkRoom(bytes: number): void {
    if (bytes > MAX_INTRODUCTION)
      throw new CommandFault(`The client introduced itself with more than ${MAX_INTRODUCTION} bytes.`);
  }
}

interface Command {
  /** None: an empty line, to which nobody answers. */
  readonly words: readonly string[];
  readonly end: number;
}

/** The command at `from`: null where more bytes are needed to tell. @throws {CommandFault} */
function readCommand(held: Buffer, from: number): Command | 'other' | null {
  const first = held[from];
  if (first === undefined) return null;
  if (first === TLS_HANDSHAKE) throw new CommandFault('The client began with TLS, which is not spoken here.');
  return first === ARRAY ? readArray(held, from) : readInline(held, from);
}

function readArray(held: Buffer, from: number): Command | 'other' | null {
  const count = readCount(held, from);
  if (count === null) return null;
  const words: string[] = [];
  let at = count.end;
  while (words.length < count.value) {
    if (held[at] === undefined) return null;
    if (held[at] !== BULK) throw new CommandFault('The client sent a command whose words have no length.');
    const length = readCount(held, at);
    if (length === null) return null;
    if (length.value < 0) throw new CommandFault('The client sent a command whose word has no length.');
    if (!couldIntroduce(words, count.value, length.value)) return 'other';
    if (length.value > MAX_INTRODUCTION)
      throw new CommandFault('The client introduced itself at too great length.');
    const end = length.end + length.value;
    if (held.length < end + 2) return null;
    if (held[end] !== CR || held[end + 1] !== LF)
      throw new CommandFault('The client sent a word that is not as long as it says.');
    words.push(held.toString('utf8', length.end, end));
    at = end + 2;
    if (!introduces(words, count.value)) return 'other';
  }
  return { words, end: at };
}

function readInline(held: Buffer, from: number): Command | 'other' | null {
  const end = held.subarray(from, from + MAX_LINE).indexOf(LF);
  if (end < 0) return held.length - from < MAX_LINE ? null : 'other';
  const line = held.toString('utf8', from, from + end).trim();
  const words = line === '' ? [] : line.split(/\s+/).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
  return introduces(words, words.length) ? { words, end: from + end + 1 } : 'other';
}

/** Whether a command of `count` words, of which the first are known, may belong to an introduction. */
function introduces(words: readonly string[], count: number): boolean {
  const [name = '', sub] = words.map((word) => word.toUpperCase());
  if (words.length === 0) return true;
  if (count > MAX_ARGUMENTS) return false;
  if (name !== 'CLIENT') return INTRODUCING.has(name);
  return sub === undefined ? count > 1 : INTRODUCING.has(`${name} ${sub}`);
}

/** The same of one whose next word is `length` bytes long: what is long is no name of a command. */
function couldIntroduce(words: readonly string[], count: number, length: number): boolean {
  const isName = words.length === 0 || (words.length === 1 && words[0]?.toUpperCase() === 'CLIENT');
  return count <= MAX_ARGUMENTS && !(isName && length > MAX_WORD);
}

/** The number in a line such as `*3`; null: the line is not complete. @throws {CommandFault} */
function readCount(held: Buffer, from: number): { readonly value: number; readonly end: number } | null {
  const end = held.subarray(from, from + 24).indexOf(LF);
  if (end < 0) {
    if (held.length - from >= 24) throw new CommandFault('The client sent a length that is none.');
    return null;
  }
  const text = held.toString('latin1', from + 1, from + end);
  if (!/^-?\d{1,18}\r$/.test(text)) throw new CommandFault('The client sent a length that is none.');
  return { value: Number(text), end: from + end + 1 };
}
