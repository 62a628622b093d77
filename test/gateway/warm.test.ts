/** A gate that keeps connections to its server greeted ahead of need: sessions on them are like any other. */
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { realRuntime } from '../../src/runtime/real.ts';
import { startServer } from '../../src/server/server.ts';
import { parseVersion } from '../../src/version/version.ts';
import { realEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { randomBytes } from '../support/random.ts';

test.each(['tcp', 'ws'])(
  'over %s, one session after the other gets its bytes back, and none is left',
  async (scheme) => {
    const opened: string[] = [];
    const server = await startServer({
      ...realRuntime,
      version: parseVersion('4.14.1'),
      listen: `${scheme}://127.0.0.1:0`,
      serve: (connection, open) => {
        opened.push(open.session);
        return {
          data: (bytes) => void connection.send(Buffer.from(bytes)),
          end: () => connection.end(),
          drain() {},
        };
      },
    });
    onTestFinished(() => server.close());
    {
      await using fleet = await startFleet(realEnvironment, {
        servers: [],
        others: [{ id: 'w1', address: server.address, warm: 2 }],
      });
      const ids: string[] = [];
      for (let round = 0; round < 8; round++) {
        const session = await fleet.admit('4.13.2');
        ids.push(session.id);
        const sent = randomBytes(100_000);
        session.end(sent);
        expect((await buffer(session)).equals(sent)).toBe(true);
      }
      expect(opened).toEqual(ids);
      await fleet.log.until('session-end', { error: null }, ids.length);
      await fleet.idle();
    }
    await server.idle(5_000);
  },
);
