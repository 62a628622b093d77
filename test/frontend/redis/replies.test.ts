/** Where a Redis server's replies end is known however they are cut, whatever is in them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplyFramer } from '../../../src/frontend/redis/replies.ts';
import { chunkSizes, chunksBy } from '../../support/chunks.ts';

const REPLIES = [
  '+OK\r\n',
  '-ERR no\r\n',
  ':-12\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '$0\r\n\r\n',
  '$6\r\n+OK\r\n*\r\n',
  '*0\r\n',
  '*2\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n+x\r\n',
  '%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n',
  '~1\r\n_\r\n',
  '#t\r\n',
  ',1.5\r\n',
  '(123456789012345678901234567890\r\n',
  '=8\r\ntxt:some\r\n',
  '|1\r\n+ttl\r\n:3\r\n*1\r\n:2\r\n',
] as const;

function follow(chunks: readonly Uint8Array[]) {
  const framer = new ReplyFramer();
  for (const chunk of chunks) framer.receive(chunk);
  return framer;
}

describe('replies', () => {
  test.each(REPLIES)('%j is one, and no part of it is', (reply) => {
    const bytes = Buffer.from(reply);
    expect(follow([bytes])).toMatchObject({ replies: 1, atBoundary: true });
    for (let length = 1; length < bytes.length; length++)
      expect(follow([bytes.subarray(0, length)]), `${length} bytes`).toMatchObject({
        replies: 0,
        atBoundary: false,
      });
  });

  test('are counted however they are cut, and what is pushed is none', () => {
    const parts = fc.array(
      fc.oneof(
        fc.constantFrom(...REPLIES).map((text) => ({ text, replies: 1 })),
        fc.constant({ text: '>2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n', replies: 0 }),
      ),
    );
    fc.assert(
      fc.property(parts, chunkSizes, (all, sizes) => {
        const bytes = Buffer.from(all.map(({ text }) => text).join(''));
        expect(follow(chunksBy(bytes, sizes))).toMatchObject({
          replies: all.reduce((sum, { replies }) => sum + replies, 0),
          atBoundary: true,
          isBroken: false,
        });
      }),
    );
  });

  test('as many as are wanted are looked at, and no byte more', () => {
    const framer = new ReplyFramer();
    expect(framer.receive(Buffer.from('+OK\r\n$2\r\n+O\r\n+K\r\n'), 2)).toBe(13);
    expect(framer.receive(Buffer.from('+K\r\n'), 2)).toBe(0);
  });

  test.each(['HTTP/1.1 200 OK\r\n', '$1x\r\n', `*${'9'.repeat(40)}\r\n`, '*1\r\n'.repeat(70)])(
    'after %j nobody knows where they end',
    (text) => {
      expect(follow([Buffer.from(text)])).toMatchObject({ isBroken: true, atBoundary: false });
    },
  );

  test('random bytes cost one look each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), chunkSizes, (bytes, sizes) => {
        const whole = follow([bytes]);
        expect(follow(chunksBy(bytes, sizes))).toMatchObject({
          replies: whole.replies,
          atBoundary: whole.atBoundary,
          isBroken: whole.isBroken,
        });
      }),
    );
  });
});
