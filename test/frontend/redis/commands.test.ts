/** What a Redis client sends before it is judged is read the same however it is cut, and never without bounds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandFault, CommandReader, MAX_INTRODUCTION } from '../../../src/frontend/redis/commands.ts';
import { chunkSizes, chunksBy } from '../../support/chunks.ts';

const command = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** Everything that a reader says of these bytes; what follows the first other command is put together. */
function read(chunks: readonly Uint8Array[]) {
  const reader = new CommandReader();
  const words: (readonly string[])[] = [];
  const bytes: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (rest.length > 0) rest.push(chunk);
    else
      for (const event of reader.receive(chunk))
        if (event.kind === 'other') rest.push(event.rest);
        else {
          words.push(event.words);
          bytes.push(event.bytes);
        }
  }
  return {
    words,
    introduction: Buffer.concat(bytes).toString('latin1'),
    rest: rest.length === 0 ? null : Buffer.concat(rest).toString('latin1'),
  };
}

const all = (text: string) => read([Buffer.from(text)]);

describe('an introduction', () => {
  const introduction = [
    command('HELLO', '3', 'AUTH', 'u', 'p', 'SETNAME', 'shop/4.15.0'),
    command('client', 'setinfo', 'LIB-NAME', 'node-redis'),
    'CLIENT SETNAME "shop/4.15.0"\r\n',
    command('SELECT', '2'),
  ].join('');

  test('ends with the first command that does something else, of which not a byte is taken', () => {
    const {
      words,
      introduction: said,
      rest,
    } = all(`${introduction}${command('SET', 'key', 'x'.repeat(50_000))}`);
    expect(words).toEqual([
      ['HELLO', '3', 'AUTH', 'u', 'p', 'SETNAME', 'shop/4.15.0'],
      ['client', 'setinfo', 'LIB-NAME', 'node-redis'],
      ['CLIENT', 'SETNAME', 'shop/4.15.0'],
      ['SELECT', '2'],
    ]);
    expect(said).toBe(introduction);
    expect(rest).toBe(command('SET', 'key', 'x'.repeat(50_000)));
  });

  test('is read the same however the network cuts it', () => {
    const text = Buffer.from(`${introduction}\r\n${command('GET', 'key')}more`);
    const whole = read([text]);
    fc.assert(
      fc.property(chunkSizes, (sizes) => {
        expect(read(chunksBy(text, sizes))).toEqual(whole);
      }),
    );
  });

  test.each([
    command('PING'),
    'PING\r\n',
    command('CLIENT', 'LIST'),
    command('CLIENT'),
    command('CLIENT', 'x'.repeat(100)),
    command('AUTH', ...Array(40).fill('x')),
    command('INFO'),
    'get key\n',
  ])('is over at %j', (text) => {
    expect(all(text)).toEqual({ words: [], introduction: '', rest: text });
  });

  test('a name that is long is known to be none before all of it has come', () => {
    expect(all('*2\r\n$1000000\r\n').rest).toBe('*2\r\n$1000000\r\n');
    expect(all('*2\r\n$6\r\nCLIENT\r\n$1000\r\n').rest).toBe('*2\r\n$6\r\nCLIENT\r\n$1000\r\n');
  });

  test('lines without a word get no answer from Redis, and are no command', () => {
    expect(all('\r\n\n*0\r\n')).toEqual({ words: [], introduction: '', rest: null });
  });
});

describe('a peer that is turned away, with bounded memory', () => {
  test.each([
    ['a word without a length', '*1\r\nPING\r\n'],
    ['a length that is none', '*x\r\n'],
    ['a length without an end', `*${'1'.repeat(100)}`],
    ['a word longer than it says', '*1\r\n$4\r\nHELLOO\r\n'],
    ['a word of negative length', '*2\r\n$4\r\nAUTH\r\n$-1\r\n'],
    ['a word too long for any introduction', `*2\r\n$4\r\nAUTH\r\n$${MAX_INTRODUCTION + 1}\r\n`],
    ['TLS', '\x16\x03\x01'],
    ['a long introduction', command('AUTH', 'x'.repeat(10_000)).repeat(2)],
    ['an introduction without end', '\r\n'.repeat(40)],
  ])('%s', (_, text) => {
    expect(() => all(text)).toThrow(CommandFault);
  });

  test('random bytes never do anything else than end in another command, wait for more, or a fault', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.constantFrom('*', '$', '1', '3', '-', '\r\n', 'HELLO', 'CLIENT', 'x', ' '), {
          maxLength: 60,
        })
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, chunkSizes, (text, sizes) => {
        const outcome = (chunks: readonly Uint8Array[]) => {
          try {
            return read(chunks);
          } catch (error) {
            expect(error).toBeInstanceOf(CommandFault);
            return (error as Error).message;
          }
        };
        expect(outcome(chunksBy(text, sizes))).toEqual(outcome([text]));
      }),
    );
  });
});
