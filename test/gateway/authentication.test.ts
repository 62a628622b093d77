/** Who a client is by what it presents: certificates and tokens, in the order of the config. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOfToken } from '../../src/config/clients.ts';
import { configSchema } from '../../src/config/schema.ts';
import { findStrangers } from '../../src/config/ways-in.ts';
import { Authentication, digestOf } from '../../src/gateway/authentication.ts';
import { parseVersion } from '../../src/version/version.ts';

const TOKEN = 'sg_0123456789abcdefghijklmnopqrstuvwxyz';
const config = (identities: object[], clients: object = {}) =>
  configSchema.parse({
    listen: [{ tcp: '127.0.0.1:0' }],
    servers: [{ id: 'a', address: 'tcp://127.0.0.1:9' }],
    identities,
    clients,
  });
const TOKENS = { tokens: [{ name: 'shop', hash: hashOfToken(TOKEN) }] };
const certificate = (...sans: string[]) => ({ subject: 'CN=web,O=Shop', sans, fingerprint: 'ab'.repeat(32) });
const VERSION = parseVersion('4.14.2');

describe('a certificate', () => {
  const authentication = new Authentication(
    config([
      { san: 'spiffe://shop/*', name: 'shop', versions: ['4.14.x', '4.15.x'] },
      { subject: 'CN=*,O=Shop', versions: '<4.14' },
    ]),
  );
  const judge = (sans: string[], version = VERSION) =>
    authentication.judge({ certificate: certificate(...sans), token: undefined }, version);

  test('is known by the first entry that fits, and the record has the name that counted', () => {
    expect(judge(['DNS:x', 'URI:spiffe://shop/web'])).toEqual({
      identity: 'shop',
      credential: { kind: 'certificate', value: 'URI:spiffe://shop/web' },
      refusal: null,
    });
    expect(judge(['DNS:x'])).toMatchObject({
      identity: 'CN=*,O=Shop',
      refusal: { code: 'CLAIM_NOT_ALLOWED' },
    });
    expect(judge(['DNS:x'], parseVersion('4.13.9'))).toMatchObject({
      identity: 'CN=*,O=Shop',
      refusal: null,
    });
  });

  test('may be of any of several ranges, whatever the qualifier', () => {
    const codes = ['4.14.0-cdh5', '4.15.3', '4.13.0', '4.16.0', '5.14.0'].map(
      (text) => judge(['URI:spiffe://shop/web'], parseVersion(text)).refusal?.code ?? null,
    );
    expect(codes).toEqual([null, null, ...Array(3).fill('CLAIM_NOT_ALLOWED')]);
  });

  test('that is missing, or of nobody, is said to be so and no more; the record has its names', () => {
    const none = authentication.judge({ certificate: null, token: undefined }, VERSION);
    expect(none).toMatchObject({ identity: null, credential: null, refusal: { code: 'NOT_AUTHENTICATED' } });
    expect(none.refusal?.message).toBe(
      'The gate does not know this client: it presented no client certificate.',
    );
    const stranger = { subject: 'CN=eve', sans: ['URI:spiffe://evil/web'], fingerprint: 'cd'.repeat(32) };
    const wrong = authentication.judge({ certificate: stranger, token: undefined }, VERSION);
    expect(wrong.credential).toEqual({ kind: 'certificate', value: 'URI:spiffe://evil/web' });
    expect(wrong.refusal?.message).toBe(
      'The gate does not know this client: its client certificate is none that is known.',
    );
    expect(JSON.stringify(wrong.refusal)).not.toContain('spiffe');
  });
});

describe('a token', () => {
  const both = new Authentication(
    config([{ san: 'spiffe://shop/*', name: 'web' }, { token: 'shop' }], TOKENS),
  );

  test('that is wrong is not made good by a certificate that is right', () => {
    const found = both.judge(
      { certificate: certificate('URI:spiffe://shop/web'), token: digestOf(`${TOKEN}x`) },
      VERSION,
    );
    expect(found).toMatchObject({ identity: null, refusal: { code: 'NOT_AUTHENTICATED' } });
  });

  test('or a certificate will do where there are both', () => {
    const judge = (sans: string[], token: string | null) =>
      both.judge(
        { certificate: certificate(...sans), token: token === null ? null : digestOf(token) },
        VERSION,
      );
    expect(judge([], TOKEN)).toMatchObject({ identity: 'shop', credential: { kind: 'token', value: null } });
    expect(judge(['URI:spiffe://shop/web'], null)).toMatchObject({ identity: 'web' });
    expect(judge([], null).refusal?.message).toContain(
      'no token, and its client certificate is none that is known',
    );
  });

  test('is known by all of its characters and by nothing less', () => {
    fc.assert(
      fc.property(fc.nat(TOKEN.length), fc.stringMatching(/^[\w.~-]{1,4}$/), (at, text) => {
        const other = TOKEN.slice(0, at) + text + TOKEN.slice(at + text.length);
        const found = both.judge({ certificate: null, token: digestOf(other) }, VERSION);
        expect(found.identity).toBe(other === TOKEN ? 'shop' : null);
      }),
    );
  });

  test('that could be guessed is nobody’s, even if a config has its hash', () => {
    const weak = new Authentication(config([], { tokens: [{ name: 'shop', hash: hashOfToken('hunter2') }] }));
    expect(weak.judge({ certificate: null, token: digestOf('hunter2') }, VERSION).identity).toBeNull();
  });

  test('that could be guessed is not that of a hash of zeros, which somebody has yet to fill in', () => {
    const blank = new Authentication(
      config([], { tokens: [{ name: 'shop', hash: `sha256:${'0'.repeat(64)}` }] }),
    );
    for (const text of ['x', 'hunter2', TOKEN])
      expect(blank.judge({ certificate: null, token: digestOf(text) }, VERSION).identity).toBeNull();
  });

  test('whose hash was not read, since its file is elsewhere, is nobody’s: nobody comes in', () => {
    const unread = new Authentication(config([], { tokens: [{ name: 'shop', file: 'none' }] }));
    for (const token of [null, digestOf(TOKEN), digestOf('')])
      expect(unread.judge({ certificate: null, token }, VERSION)).toMatchObject({
        identity: null,
        refusal: { code: 'NOT_AUTHENTICATED' },
      });
  });
});

test('where nobody is asked, nothing is looked at', () => {
  const found = new Authentication(config([])).judge(
    { certificate: certificate(), token: digestOf(TOKEN) },
    VERSION,
  );
  expect(found).toEqual({ identity: null, credential: null, refusal: null });
});

test('a listener that asks for certificates leaves clients a way in, also with assume; inside TLS tokens are hidden', () => {
  const tls = { cert: 'c', key: 'k', clientCa: 'ca' };
  const stated = config([{ san: 'spiffe://shop/*' }]);
  const at = (listener: object, from = stated) =>
    findStrangers({ ...from, listen: [{ ...from.listen[0], ...listener }] as typeof from.listen });
  expect(at({ assume: '4.14.0' })).toHaveLength(1);
  expect(at({ assume: '4.14.0', tls: { ...tls, clientCa: undefined } })).toHaveLength(1);
  expect(at({ assume: '4.14.0', tls })).toEqual([]);
  expect(at({ tls })).toEqual([]);
  const tokens = config([{ token: 'shop' }], TOKENS);
  expect(at({ tcp: '0.0.0.0:1' }, tokens)).toHaveLength(1);
  expect(at({ tcp: '0.0.0.0:1', tls }, tokens)).toEqual([]);
  expect(at({ assume: '4.14.0', tls }, tokens)).toHaveLength(1);
});
