/** Where a client's token comes from, which of several counts, and that nobody sees it who should not. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tokenOf } from '../../src/client/token.ts';
import { parseUrl, UrlError, withoutSecrets } from '../../src/client/url.ts';
import { tempFolder } from '../support/folder.ts';

const BASE = 'skewgate://127.0.0.1:1/?version=4.14.0';
const token = (name: string) => `sg_${name.padEnd(30, '0123456789abcdefghijklmnopqrstuvwxyz')}`;

function fileOf(text: string, mode = 0o600): string {
  const file = path.join(tempFolder(), 'client.token');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe('a token', () => {
  test('stated by the program counts before the URL, the URL before the environment', () => {
    const environment = { SKEWGATE_CLIENT_TOKEN: token('environment'), SKEWGATE_TOKEN: token('hook') };
    const stated = parseUrl(`${BASE}&token=${token('url')}`);
    const inFile = parseUrl(`${BASE}&tokenFile=${fileOf(`${token('file')}\n`)}`);
    expect(tokenOf(stated, token('program'), environment)).toBe(token('program'));
    expect(tokenOf(stated, undefined, environment)).toBe(token('url'));
    expect(tokenOf(inFile, undefined, environment)).toBe(token('file'));
    expect(tokenOf(parseUrl(BASE), undefined, environment)).toBe(token('environment'));
    expect(tokenOf(parseUrl(BASE), undefined, { SKEWGATE_TOKEN: token('hook') })).toBeUndefined();
    expect(tokenOf(parseUrl(BASE), undefined, { SKEWGATE_CLIENT_TOKEN: '' })).toBeUndefined();
  });

  test('in the URL is no property, which servers and records would get', () => {
    const { hello } = parseUrl(`${BASE}&token=${token('url')}&tokenname=x&user=ada`);
    expect(hello.properties).toEqual({ tokenname: 'x', user: 'ada' });
    expect(hello.token).toBe(token('url'));
    expect(parseUrl(`${BASE}&tokenFile=a`).hello).toMatchObject({ properties: {} });
  });

  test('in the URL and in a file is one too many', () => {
    expect(() => parseUrl(`${BASE}&token=${token('url')}&tokenFile=x`)).toThrow('not both');
  });

  test.each([0o640, 0o604, 0o644, 0o660])('is not taken from a file of mode %o', (mode) => {
    const target = parseUrl(`${BASE}&tokenFile=${fileOf(token('file'), mode)}`);
    expect(() => tokenOf(target, undefined, {})).toThrow(UrlError);
    expect(() => tokenOf(target, undefined, {})).toThrow(/others may read .*chmod 600/);
  });

  test('that can be guessed is not even sent, nor is it quoted', () => {
    expect(() => tokenOf(parseUrl(`${BASE}&token=hunter2`), undefined, {})).toThrow(
      /^the token is too short/,
    );
    const file = parseUrl(`${BASE}&tokenFile=${fileOf('a secret of several words')}`);
    expect(() => tokenOf(file, undefined, {})).toThrow(/^a token has letters/);
    const missing = parseUrl(`${BASE}&tokenFile=${path.join(tempFolder(), 'none')}`);
    expect(() => tokenOf(missing, undefined, {})).toThrow(/^tokenFile: ENOENT/);
  });
});

describe('a URL that is shown', () => {
  const SECRET = token('url');

  test.each([
    `http://h/?token=${SECRET}`,
    `skewgate://h/?version=4.14.0?token=${SECRET}`,
    `skewgate://h/?version=4.14.0&upgrade=x?token=${SECRET}`,
    `skewgate://h/?version=4.14.0&protocol=1?token=${SECRET}`,
    `skewgate://h/?token=${SECRET}`,
    `skewgate://h/?tok%65n=${SECRET}`,
    `skewgate:///?TOKEN=${SECRET}`,
    `token=${SECRET}`,
    `skewgate://h/?version=4.14.0&token=${SECRET}&token=${SECRET}`,
    `skewgate://h:99999/?version=4.14.0&token=${SECRET} and more`,
  ])('%s: the error holds no token', (url) => {
    const error = thrownBy(() => parseUrl(url));
    expect(error).toBeInstanceOf(UrlError);
    expect(`${(error as Error).message} ${(error as Error).stack}`).not.toContain(SECRET);
  });

  test('has no token left, wherever in it one stood', () => {
    const part = fc
      .tuple(fc.constantFrom('user', 'version', 'a%3Db', 'x'), fc.webQueryParameters())
      .map(([name, value]) => `${name}=${value.replaceAll('&', '')}`);
    const parts = fc.array(part, { maxLength: 4 });
    const secret = fc.stringMatching(/^[\w.~+/-]{24,40}$/);
    fc.assert(
      fc.property(parts, parts, secret, fc.constantFrom('token', 'Token', '%74oken'), (a, b, text, name) => {
        const shown = withoutSecrets(`skewgate://h/?${[...a, `${name}=${text}`, ...b].join('&')}`);
        expect(shown).toContain(`${name}=***`);
        expect(shown).not.toContain(`=${text}`);
        for (const other of [...a, ...b].filter((one) => !one.includes('?'))) expect(shown).toContain(other);
      }),
    );
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('a URL in an error shows no password that stands in front of the host', () => {
  for (const url of [
    'https://ann:hunter2@h/?version=4.14.0',
    'jdbc:mysql://ann:hunter2@h:1/?version=4.14.0',
  ]) {
    const say = () => parseUrl(url);
    expect(say).toThrow('***@h');
    expect(say).not.toThrow('hunter2');
  }
});
