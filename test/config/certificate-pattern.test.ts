/** Which certificates a pattern means, and that nobody gets in by a name that was not meant. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileFingerprint, compileSan, compileSubject } from '../../src/config/certificate-pattern.ts';

const of = (sans: readonly string[], subject = '') => ({ subject, sans, fingerprint: 'ab'.repeat(32) });

describe('alternative names', () => {
  test.each([
    ['spiffe://shop/*', 'URI:spiffe://shop/web', true],
    ['spiffe://shop/*', 'URI:spiffe://shop/', false],
    ['spiffe://shop/*', 'URI:spiffe://shop/web/admin', false],
    ['spiffe://shop/**', 'URI:spiffe://shop/web/admin', true],
    ['spiffe://shop/*', 'URI:spiffe://shop.evil/web', false],
    ['spiffe://shop/*', 'URI:spiffe://SHOP/web', false],
    ['spiffe://shop/*', 'DNS:spiffe://shop/web', false],
    ['*.shop.example', 'DNS:Web.SHOP.example', true],
    ['*.shop.example', 'DNS:a.b.shop.example', false],
    ['*.shop.example', 'DNS:*.shop.example', false],
    ['*.shop.example', 'URI:web.shop.example', false],
    ['IP:2001:db8::1', 'IP:2001:DB8:0:0:0:0:0:1', true],
    ['10.0.0.7', 'DNS:10.0.0.7', false],
    ['*@shop.example', 'email:ada@SHOP.example', true],
    ['*@shop.example', 'email:ada@evil.example', false],
  ])('%s and %s: %s', (pattern, san, fits) => {
    expect(compileSan(pattern)(of([san])) !== null).toBe(fits);
  });

  test('a * never passes what parts are told apart by', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(compileSan('spiffe://shop/*')(of([`URI:spiffe://shop/${a}/${b}`]))).toBeNull();
        expect(compileSan('*.shop.example')(of([`DNS:${a}.${b}.shop.example`]))).toBeNull();
      }),
    );
  });
});

describe('subjects', () => {
  test.each([
    ['CN=web-*,O=Shop', 'CN=web-1,O=Shop', true],
    ['cn=web-*, O=Shop', 'CN=web-1,O=Shop', true],
    ['CN=web-*,O=Shop', 'CN=web-1,O=shop', false],
    ['CN=*,O=Shop', 'CN=x\\,O=Shop', false],
    ['CN=*', 'CN=x,O=Shop', false],
    ['CN=*,O=Shop', 'O=Shop,CN=x', false],
    ['*', 'CN=anybody', true],
  ])('%s and %s: %s', (pattern, subject, fits) => {
    expect(compileSubject(pattern)(of([], subject)) !== null).toBe(fits);
  });
});

test.each([['spiffe://**/x'], ['*://shop/x'], ['urn:shop'], ['10.0.0.*@'], ['']])('%j is no name', (text) => {
  expect(() => compileSan(text)).toThrow(/is not|is no|there is no/);
});

test('a fingerprint is compared whole', () => {
  expect(compileFingerprint(`${'AB:'.repeat(31)}AB`)(of([]))).toBe('ab'.repeat(32));
  expect(() => compileFingerprint('ab*')).toThrow('64 hex digits');
});
