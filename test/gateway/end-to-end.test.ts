/** An admitted client's bytes and a refused client's silence, over every pair of transports. */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { realEnvironment } from '../support/environment.ts';
import { type Fleet, startFleet } from '../support/gate.ts';
import { randomBytes } from '../support/random.ts';
import { answersIn, dialRaw, helloBytes } from '../support/raw-client.ts';

const MIB = 1_048_576;

function fleetOf(listener: string, server: 'tcp' | 'ws'): Promise<Fleet> {
  return startFleet(realEnvironment, {
    listen: [listener === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
    servers: [{ version: '4.14.1', scheme: server }],
  });
}

for (const listener of ['tcp', 'ws'] as const)
  for (const server of ['tcp', 'ws'] as const)
    describe(`${listener} listener, ${server} server`, () => {
      test('an admitted client learns its session and exchanges megabytes, byte for byte', async () => {
        await using fleet = await fleetOf(listener, server);
        const session = await fleet.admit('4.13.2', { query: 'user=ada' });
        expect(session.server).toEqual({ id: 's1', version: '4.14.1' });
        expect(session.decision.code).toBe('PERMITTED');
        expect(fleet.server(0).opened).toEqual([
          {
            session: session.id,
            peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
            client: { version: '4.13.2', driver: 'skewgate-node', properties: { user: 'ada' } },
          },
        ]);
        const sent = randomBytes(6 * MIB);
        session.end(sent);
        const back = await buffer(session);
        expect(back.equals(sent)).toBe(true);
        const end = await fleet.log.until('session-end');
        expect(end).toMatchObject({
          session: session.id,
          reason: 'both-ended',
          error: null,
          bytesFromClient: sent.length,
          bytesFromServer: sent.length,
        });
        expect(fleet.server(0).received).toBe(sent.length);
        await fleet.idle();
      });

      test('bytes sent right with the hello reach the server once, after the verdict, in order', async () => {
        await using fleet = await fleetOf(listener, server);
        const client = await dialRaw(realEnvironment, fleet.address());
        client.connection.send(Buffer.concat([helloBytes('4.14.0'), Buffer.from('early ')]));
        client.connection.send(Buffer.from('birds'));
        await client.until(() => answersIn(client.bytes).rest.length >= 11, 'the echo');
        client.connection.end();
        expect(await client.untilClosed()).toBeNull();
        expect(answersIn(client.bytes).rest.toString()).toBe('early birds');
        expect(fleet.server(0).received).toBe(11);
      });

      test('early bytes beyond what the gate keeps, and an early end, arrive all the same', async () => {
        await using fleet = await fleetOf(listener, server);
        const client = await dialRaw(realEnvironment, fleet.address());
        const early = randomBytes(MIB);
        client.connection.send(helloBytes('4.14.0'));
        for (let at = 0; at < early.length; at += 50_000)
          client.connection.send(early.subarray(at, at + 50_000));
        client.connection.end();
        expect(await client.untilClosed()).toBeNull();
        expect(answersIn(client.bytes).rest.equals(early)).toBe(true);
      });

      test('a refused client is told why; its server saw no session and not a byte', async () => {
        await using fleet = await fleetOf(listener, server);
        const client = await dialRaw(realEnvironment, fleet.address());
        client.connection.send(Buffer.concat([helloBytes('4.15.0'), Buffer.from('drop table')]));
        await client.untilEnded();
        const { refuse, permit } = answersIn(client.bytes);
        expect(permit).toBeNull();
        expect(refuse).toMatchObject({
          verdict: 'refuse',
          code: 'SERVER_OUTDATED',
          rule: 'M1',
          client: '4.15.0',
          move: { side: 'server', to: '4.15', who: ['s1'] },
          retry: 'after-change',
          vendorCode: 2007,
          sqlState: 'INT09',
        });
        client.connection.end();
        await client.untilClosed();
        await fleet.idle();
        expect(fleet.server(0).clients).toEqual([]);
        expect(fleet.server(0).received).toBe(0);
        expect(fleet.log.codes).toEqual(['SERVER_OUTDATED']);
        expect(fleet.log.of('session-end')).toEqual([]);
      });

      test('half-close: the client ends, the server goes on', async () => {
        const { promise: told, resolve: tell } = Promise.withResolvers<void>();
        await using fleet = await startFleet(realEnvironment, {
          listen: [listener === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
          servers: [
            {
              version: '4.14.0',
              scheme: server,
              serve: (connection) => ({
                data() {},
                drain() {},
                end: () =>
                  void told.then(() => {
                    connection.send(randomBytes(2 * MIB));
                    connection.end();
                  }),
              }),
            },
          ],
        });
        const session = await fleet.admit('4.14.0');
        session.end('question');
        await once(session, 'finish');
        tell();
        expect((await buffer(session)).equals(randomBytes(2 * MIB))).toBe(true);
        expect(await fleet.log.until('session-end')).toMatchObject({
          bytesFromClient: 8,
          bytesFromServer: 2 * MIB,
          reason: 'both-ended',
        });
      });

      test('half-close: the server ends first, the client goes on', async () => {
        const got: Uint8Array[] = [];
        const all = Promise.withResolvers<void>();
        await using fleet = await startFleet(realEnvironment, {
          listen: [listener === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
          servers: [
            {
              version: '4.14.0',
              scheme: server,
              serve: (connection) => {
                connection.send(Buffer.from('welcome'));
                connection.end();
                return { data: (bytes) => void got.push(bytes), drain() {}, end: all.resolve };
              },
            },
          ],
        });
        const session = await fleet.admit('4.14.0');
        expect((await buffer(session)).toString()).toBe('welcome');
        session.end(randomBytes(2 * MIB));
        expect(await fleet.log.until('session-end')).toMatchObject({
          reason: 'both-ended',
          bytesFromServer: 7,
          bytesFromClient: 2 * MIB,
        });
        await all.promise;
        expect(Buffer.concat(got).equals(randomBytes(2 * MIB))).toBe(true);
      });

      test('a server that breaks off is no orderly end for its client, and the other way round', async () => {
        await using fleet = await startFleet(realEnvironment, {
          listen: [listener === 'tcp' ? { tcp: '127.0.0.1:0' } : { ws: '127.0.0.1:0' }],
          servers: [{ version: '4.14.0', scheme: server }],
        });
        const broken = await dialRaw(realEnvironment, fleet.address());
        broken.connection.send(Buffer.concat([helloBytes('4.14.0'), Buffer.from('ping')]));
        await broken.until(() => answersIn(broken.bytes).rest.length >= 4, 'the echo');
        await fleet.server(0).restart();
        expect(await broken.untilClosed()).toBeInstanceOf(Error);
        expect(broken.ended).toBe(false);
        expect(await fleet.log.until('session-end')).toMatchObject({ reason: 'server-gone' });

        const leaving = await fleet.admit('4.14.0');
        leaving.on('error', () => {});
        leaving.destroy(new Error('cut'));
        expect(await fleet.log.until('session-end', {}, 2)).toMatchObject({
          reason: 'client-gone',
          error: expect.any(String),
        });
        await fleet.idle();
      });
    });
