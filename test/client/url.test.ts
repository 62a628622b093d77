import { describe, expect, test } from 'vitest';
import { parseUrl, UrlError } from '../../src/client/url.ts';

describe('connection URLs', () => {
  test('host, port, version and properties', () => {
    expect(parseUrl('skewgate://db.example:9000/?version=4.14.2&user=ada&app=etl%20job')).toEqual({
      address: 'tcp://db.example:9000',
      hello: {
        version: '4.14.2',
        driver: 'skewgate-node',
        properties: { user: 'ada', app: 'etl job' },
      },
    });
  });

  test.each([
    ['skewgate://h/?version=4.14.0', 'tcp://h:8700'],
    ['skewgate+ws://h:1/?version=4.14.0', 'ws://h:1'],
    ['jdbc:skewgate://h:1/?version=4.14.0', 'tcp://h:1'],
    ['jdbc:skewgate+ws://h:1?version=4.14.0', 'ws://h:1'],
    ['skewgate://[::1]:7/?version=4.14.0', 'tcp://[::1]:7'],
  ])('%s is %s', (url, address) => {
    expect(parseUrl(url).address).toBe(address);
  });

  test('what it asks of upgrades, and its protocol range', () => {
    const { hello } = parseUrl('skewgate://h/?version=4.14.0&upgrade=must-not&protocol=3..5');
    expect(hello).toMatchObject({ upgrade: 'must-not', protocol: { min: 3, max: 5 }, properties: {} });
    expect(parseUrl('skewgate://h/?version=4.14.0').hello).not.toHaveProperty('upgrade');
  });

  test.each([
    ['', /not a URL/],
    ['127.0.0.1:8700', /not a URL|scheme/],
    ['http://h/?version=4.14.0', /scheme is one of/],
    ['jdbc:phoenix://h/?version=4.14.0', /scheme is one of/],
    ['skewgate:///?version=4.14.0', /no host/],
    ['skewgate://h:99999/?version=4.14.0', /not a URL/],
    ['skewgate://h/', /no version/],
    ['skewgate://h/?version=4.14', /4\.14/],
    ['skewgate://h/?version=', /./],
    ['skewgate://h/?version=4.14.0&version=4.15.0', /version is stated twice/],
    ['skewgate://h/?version=4.14.0&user=ada&user=bob', /user is stated twice/],
    ['skewgate://ada:secret@h/?version=4.14.0', /user=NAME behind the \?/],
    ['skewgate://h/?version=4.14.0&upgrade=perhaps', /"may" or "must-not"/],
    ['skewgate://h/?version=4.14.0&protocol=5..3', /not a range/],
    ['skewgate://h/?version=4.14.0&protocol=3', /not a range/],
  ])('%j says what is wrong', (url, message) => {
    expect(() => parseUrl(url)).toThrow(UrlError);
    expect(() => parseUrl(url)).toThrow(message);
  });
});
