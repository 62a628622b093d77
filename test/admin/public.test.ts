/** A gate whose admin side others could reach does not start, unless it was told so. */
import { expect, test } from 'vitest';
import { parseConfig, parseServable } from '../../src/config/load.ts';
import { boundAddress } from '../../src/config/public-admin.ts';
import { isLoopback } from '../../src/transport/networks.ts';
import { tempFolder } from '../support/folder.ts';

const serve = (admin: string) =>
  parseServable(
    `listen: [{ tcp: 127.0.0.1:0 }]\nservers: [{ id: a, address: tcp://127.0.0.1:9, version: 4.14.0 }]\nmigration: { ledger: 'memory:' }\nadmin: ${admin}`,
    'gate.yaml',
    tempFolder(),
  );

test.each(['0.0.0.0:8790', '"[::]:8790"', '10.1.2.3:8790', '"[fe80::1]:8790"', '"[::ffff:10.0.0.1]:8790"'])(
  'on %s it does not start, and what can be done is said',
  (listen) => {
    expect(() => serve(`{ listen: ${listen} }`)).toThrow(
      /admin\.listen: .* is reached from other machines.*127\.0\.0\.1:PORT or unix:PATH.*allowPublic: true/s,
    );
  },
);

test.each([
  '127.0.0.1:8790',
  '127.9.9.9:8790',
  '"[::1]:8790"',
  '"[::ffff:127.0.0.1]:8790"',
  "'unix:a.sock'",
  'localhost:8790',
])('on %s it starts', (listen) => {
  expect(serve(`{ listen: ${listen} }`).admin?.allowPublic).toBe(false);
});

test('allowed to, it wants tokens and TLS, or to be told that the network is trusted', () => {
  const tokens = 'tokens: [{ name: a, role: viewer, env: A }]';
  const tls = 'tls: { cert: a, key: b }';
  const start = (...more: string[]) =>
    serve(`{ ${['listen: 0.0.0.0:1', 'allowPublic: true', ...more].join(', ')} }`);
  expect(() => start()).toThrow(/admin\.tokens: .*state who may ask.*admin\.tls: .*allowPlain: true/s);
  expect(() => start(tls)).toThrow('admin.tokens');
  expect(() => start(tokens)).toThrow('admin.tls');
  expect(() => start('allowPlain: true')).toThrow('admin.tokens');
  expect(start(tokens, tls).admin?.allowPublic).toBe(true);
  expect(start(tokens, 'allowPlain: true').admin?.allowPlain).toBe(true);
});

test('a name is looked up once: what was checked is bound, and one address of several that is public is enough', async () => {
  const listen = 'gate.example:8790';
  const of =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address }));
  const allowed = { listen, allowPublic: false };
  await expect(boundAddress(allowed, of('127.0.0.1', '10.0.0.7'))).rejects.toThrow(
    'gate.example:8790 is 10.0.0.7, which is reached from other machines',
  );
  expect(await boundAddress(allowed, of('127.0.0.5'))).toEqual({
    kind: 'tcp',
    host: '127.0.0.5',
    port: 8790,
  });
  expect(await boundAddress({ listen, allowPublic: true }, of('10.0.0.7'))).toMatchObject({
    host: '10.0.0.7',
  });
  expect([isLoopback('::ffff:127.0.0.1'), isLoopback('::ffff:8.8.8.8'), isLoopback('::')]).toEqual([
    true,
    false,
    false,
  ]);
});

test('an admin side on loopback needs nothing of it', () => {
  const text =
    'listen: [{ tcp: 127.0.0.1:0 }]\nservers: [{ id: a, address: tcp://127.0.0.1:9 }]\nadmin: { listen: 127.0.0.1:8790 }';
  expect(parseConfig(text).admin).toMatchObject({ allowPublic: false, allowPlain: false, tokens: [] });
});
