/** Who clients are: who is not known is refused before anything happens for them, and who is known may be of stated releases. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMemoryTables } from '../../src/server/tables.ts';
import { virtualEnvironment } from '../support/environment.ts';
import { startFleet } from '../support/gate.ts';
import { dialRaw } from '../support/raw-client.ts';

const token = (name: string) => `sg_${name.padEnd(40, '0123456789abcdefghijklmnopqrstuvwxyz')}`;
const hash = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const CLIENTS = {
  tokens: [
    { name: 'shop', hash: hash(token('shop')) },
    { name: 'batch', hash: hash(token('batch')) },
  ],
};
const IDENTITIES = [{ token: 'shop', versions: '4.13.x' }, { token: 'batch' }];

function start() {
  return startFleet(virtualEnvironment(), {
    servers: [{ version: '4.14.0', tables: createMemoryTables(27) }],
    clients: CLIENTS,
    identities: IDENTITIES,
  });
}

test.each([
  ['no token', undefined, 'it presented no token.'],
  ['an unknown token', token('else'), 'its token is none that is known.'],
  ['a token that can be guessed', 'hunter2', 'its token is none that is known.'],
])(
  'a client with %s reaches no server, brings no upgrade, and is on record without its secret',
  async (_, text, why) => {
    await using fleet = await start();
    const { decision } = await fleet.refuse('4.14.0', text === undefined ? {} : { token: text });
    expect(decision).toMatchObject({ code: 'NOT_AUTHENTICATED', retry: 'after-change', client: '4.14.0' });
    expect(decision.message).toBe(`The gate does not know this client: ${why}`);
    expect(fleet.server(0).received).toBe(0);
    expect(fleet.server(0).opened).toEqual([]);
    expect(fleet.log.lines.filter((line) => line.event === 'migration')).not.toContainEqual(
      expect.objectContaining({ what: 'started' }),
    );
    expect(fleet.log.handshakes).toMatchObject([{ code: 'NOT_AUTHENTICATED', identity: null }]);
    expect(JSON.stringify(fleet.log.lines)).not.toContain(text ?? 'sg_');
  },
);

test('a client that is known is named in its records, and its secret in none of them, nor at the server', async () => {
  await using fleet = await start();
  const session = await fleet.admit('4.13.0', { token: token('shop') });
  expect(fleet.gate.sessions.list()).toMatchObject([{ identity: 'shop' }]);
  session.destroy();
  expect(fleet.log.handshakes).toMatchObject([
    { identity: 'shop', credential: { kind: 'token', value: null } },
  ]);
  expect(JSON.stringify([fleet.log.lines, fleet.server(0).opened])).not.toContain(token('shop'));
});

test('a client that is known may not be of another release: it reaches no server, and learns which it may be of', async () => {
  await using fleet = await start();
  const { decision } = await fleet.refuse('4.14.0', { token: token('shop') });
  expect(decision).toMatchObject({
    code: 'CLAIM_NOT_ALLOWED',
    move: { side: 'client', to: '4.13.x', who: ['4.14.0'] },
    message: 'shop may be a client of 4.13.x, and not of 4.14.0.',
  });
  expect(fleet.server(0).opened).toEqual([]);
  expect(fleet.log.handshakes).toMatchObject([{ identity: 'shop', code: 'CLAIM_NOT_ALLOWED' }]);
  (await fleet.admit('4.13.9', { token: token('batch') })).destroy();
});

test('a reload changes who is known: who comes and who waits is judged anew, open sessions go on', async () => {
  await using fleet = await start();
  const session = await fleet.admit('4.13.0', { token: token('shop') });
  await fleet.gate.operations.pause({ by: 'ann', reason: '' });
  const held = fleet.connect('4.13.0', { token: token('shop') }).catch((error) => error);
  await (fleet.world as ReturnType<typeof virtualEnvironment>).clock.run(2_000);
  expect(fleet.gate.status().heldFor.operator).toBe(1);
  const next = {
    ...fleet.built.config,
    clients: { tokens: CLIENTS.tokens.slice(1) },
    identities: IDENTITIES.slice(1),
  };
  (await fleet.world.finish(fleet.built.reconfiguration.prepare(next))).commit();
  expect((await fleet.world.finish(held)).decision.code).toBe('NOT_AUTHENTICATED');
  expect(fleet.server(0).clients).toEqual(['4.13.0']);
  expect(fleet.gate.sessions.list()).toMatchObject([{ identity: 'shop' }]);
  expect(fleet.log.of('session-end')).toEqual([]);
  await fleet.gate.operations.resume({ by: 'ann', reason: '' });
  expect((await fleet.refuse('4.13.0', { token: token('shop') })).decision.code).toBe('NOT_AUTHENTICATED');
  (await fleet.admit('4.13.0', { token: token('batch') })).destroy();
  session.destroy();
});

test('programs that speak no handshake can send no token: where somebody has to be known they are closed', async () => {
  await using fleet = await startFleet(virtualEnvironment(), {
    listen: [{ tcp: '127.0.0.1:0', assume: '4.14.0' }],
    servers: [{ version: '4.14.0' }],
    clients: CLIENTS,
    identities: IDENTITIES,
  });
  const raw = await dialRaw(fleet.world, fleet.address());
  await (fleet.world as ReturnType<typeof virtualEnvironment>).clock.run(1_000);
  expect(raw.events).toContain('close');
  expect(fleet.log.handshakes).toMatchObject([{ code: 'NOT_AUTHENTICATED', credential: null }]);
  expect(fleet.server(0).opened).toEqual([]);
});

test('without required, a client without a token is nobody, and one whose token is wrong is refused all the same', async () => {
  await using fleet = await startFleet(virtualEnvironment(), {
    servers: [{ version: '4.14.0' }],
    clients: { ...CLIENTS, required: false },
  });
  (await fleet.admit('4.14.0')).destroy();
  (await fleet.admit('4.14.0', { token: token('shop') })).destroy();
  expect((await fleet.refuse('4.14.0', { token: token('else') })).decision.code).toBe('NOT_AUTHENTICATED');
  expect(fleet.log.handshakes.map(({ identity }) => identity)).toEqual([null, 'shop', null]);
});
