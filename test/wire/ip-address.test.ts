import net from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { networkOf, parseIp, printIp, toV6 } from '../../src/wire/ip-address.ts';

const bytesOf = (text: string) => [...(parseIp(text) ?? [])];

describe('text to bytes', () => {
  test('both kinds, in any way to write them', () => {
    expect(bytesOf('192.0.2.1')).toEqual([192, 0, 2, 1]);
    expect(bytesOf('::1')).toEqual([...Array(15).fill(0), 1]);
    expect(bytesOf('2001:DB8:0:0:0:0:0:1')).toEqual(bytesOf('2001:db8::1'));
    expect(bytesOf('::')).toEqual(Array(16).fill(0));
    expect(bytesOf('64:ff9b::192.0.2.1')).toEqual(bytesOf('64:ff9b::c000:201'));
  });

  test('IPv4 in IPv6 form is IPv4, whichever socket it came through', () => {
    expect(bytesOf('::ffff:192.0.2.1')).toEqual([192, 0, 2, 1]);
    expect(printIp(toV6(Uint8Array.of(192, 0, 2, 1)))).toBe('192.0.2.1');
  });

  test.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '0x7f.1',
    '2130706433',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    '[::1]',
    '::1]/x[',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
  ])('%j is no address', (text) => {
    expect(parseIp(text)).toBeNull();
  });

  test('what is an address, Node says too, whatever the text', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ maxLength: 20 }),
      fc.stringMatching(/^[0-9a-f:.]{1,20}$/),
    );
    fc.assert(
      fc.property(text, (one) => {
        expect(parseIp(one) !== null).toBe(net.isIP(one) !== 0);
      }),
    );
  });

  test('what is printed is read again as the same bytes', () => {
    const bytes = fc.oneof(
      ...[4, 16].map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    );
    fc.assert(
      fc.property(bytes, (ip) => {
        expect(printIp(parseIp(printIp(ip)) as Uint8Array)).toBe(printIp(ip));
      }),
    );
  });
});

test.each([
  ['192.0.2.77', 32, '192.0.2.77'],
  ['192.0.2.77', 24, '192.0.2.0'],
  ['192.0.255.77', 17, '192.0.128.0'],
  ['192.0.2.77', 0, '0.0.0.0'],
  ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::'],
  ['2001:db8:1:ffff::', 52, '2001:db8:1:f000::'],
])('%s is in the network of %i bits %s', (address, prefix, network) => {
  expect(printIp(networkOf(parseIp(address) as Uint8Array, prefix))).toBe(network);
});
