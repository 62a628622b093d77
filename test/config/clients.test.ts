/** Who clients may be, as configs state it: what can't work is said, and a gate that would let secrets be read does not start. */
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hashOfToken } from '../../src/config/clients.ts';
import { ConfigError, parseServable } from '../../src/config/load.ts';
import { planReload } from '../../src/config/plan-reload.ts';
import { tempFolder } from '../support/folder.ts';

const TOKEN = 'sg_0123456789abcdefghijklmnopqrstuvwxyz';
const HASH = hashOfToken(TOKEN);
const servers = 'servers: [{ id: a, address: tcp://127.0.0.1:9 }]\n';
const BASE = `listen: [{ tcp: 127.0.0.1:8700 }]\n${servers}`;
const SHOP = `clients: { tokens: [{ name: shop, hash: '${HASH}' }] }\n`;

const read = (yaml: string, folder = tempFolder()) =>
  parseServable(yaml, path.join(folder, 'gate.yaml'), folder);

function problemIn(yaml: string, folder?: string): string {
  try {
    read(yaml, folder);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
}

test.each([
  ['0.0.0.0:8700', 'clients would send their tokens in the open'],
  ["'[::]:8700'", 'clients would send their tokens in the open'],
  ['gate.example:8700', 'clients would send their tokens in the open'],
  ['10.0.0.1:8700', 'clients would send their tokens in the open'],
  ['127.0.0.9:8700', ''],
  ["'[::1]:8700'", ''],
  ['localhost:8700', ''],
])('tokens on a plain listener at %s: %j', (address, problem) => {
  for (const kind of ['tcp', 'ws']) {
    const found = problemIn(`listen: [{ ${kind}: ${address} }]\n${servers}${SHOP}`);
    expect(found).toContain(problem);
    expect(found === '').toBe(problem === '');
    expect(problemIn(`listen: [{ ${kind}: ${address}, allowPlain: true }]\n${servers}${SHOP}`)).toBe('');
    expect(problemIn(`listen: [{ ${kind}: ${address} }]\n${servers}`)).toBe('');
  }
});

test.each([
  ['clients: { required: true }', 'there is nothing to know a client by'],
  [
    `${SHOP}identities: [{ token: shpo }, { token: shop }]`,
    'none of clients.tokens is called "shpo" (did you mean shop?)',
  ],
  [`${SHOP}identities: [{ fingerprint: '${'ab'.repeat(32)}' }]`, 'no entry of identities has token: shop'],
  [
    `clients: { required: false }\nidentities: [{ san: 'spiffe://a/*' }]`,
    'could say that it is of any release',
  ],
  [
    "identities: [{ san: 'spiffe://a/*' }]",
    'clients are known by certificates alone, and none is asked for here',
  ],
  [
    "identities: [{ san: 'spiffe://a/*', token: shop }]",
    'known by one of san, subject, fingerprint and token',
  ],
  ['identities: [{ token: shop, versions: 4.14 }]', 'put it in quotes'],
  ['identities: [{ token: shop, versions: newest }]', 'is not a range of releases'],
  ["clients: { tokens: [{ name: a, hash: 'sha256:abc' }] }", 'a hash is sha256: and 64 hex digits'],
  ['clients: { tokens: [{ name: a }] }', 'a token has one of hash, file and env'],
  [
    `clients: { tokens: [{ name: a, hash: '${HASH}' }, { name: b, hash: '${HASH}' }] }`,
    'the same token as "a"',
  ],
  ['clients: { tokens: [{ name: a, env: SKEWGATE_NO_SUCH }] }', 'the environment has no SKEWGATE_NO_SUCH'],
])('%s is an error', (yaml, problem) => {
  expect(problemIn(`${BASE}${yaml}\n`)).toContain(problem);
});

test('programs on a port with assume can send no token: nobody could come in, which is an error', () => {
  const listen = `listen: [{ tcp: 127.0.0.1:8700 }, { tcp: 127.0.0.1:8701, assume: 4.14.0 }]\n${servers}`;
  expect(problemIn(listen + SHOP)).toMatch(/listen\[1\].*its programs can send no token/);
  const redis = `listen: [{ tcp: 127.0.0.1:8700, speaks: redis, otherwise: 4.14.0 }]\n${servers}`;
  expect(problemIn(redis + SHOP)).toMatch(/listen\[0\].*its programs can send no token/);
  expect(problemIn(listen + SHOP.replace(' }] }', ' }], required: false }'))).toBe('');
});

test('a token in a file is read where its owner alone may, its hash anywhere; neither is quoted', () => {
  const folder = tempFolder();
  const file = path.join(folder, 'shop.token');
  const yaml = `${BASE}clients: { tokens: [{ name: shop, file: shop.token }] }\n`;
  const write = (text: string, mode: number) => {
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  write(`${TOKEN}\n`, 0o600);
  const before = read(yaml, folder);
  expect(before.clients.tokens).toEqual([{ name: 'shop', file: 'shop.token', hash: HASH }]);
  write(TOKEN, 0o640);
  expect(problemIn(yaml, folder)).toMatch(/others may read shop\.token/);
  expect(problemIn(yaml, folder)).not.toContain(TOKEN);
  write(HASH, 0o644);
  expect(read(yaml, folder).clients.tokens[0]?.hash).toBe(HASH);
  write('hunter2', 0o600);
  expect(problemIn(yaml, folder)).toContain('too short to be safe');
  expect(problemIn(yaml, folder)).not.toContain('hunter2');
  write(`${TOKEN}-next`, 0o600);
  const { changes, refused } = planReload(before, read(yaml, folder));
  expect(refused).toEqual([]);
  expect(changes.map(({ sentence }) => sentence)).toEqual(['clients.tokens.shop.hash: another one']);
});

test('a reload says what becomes of tokens and identities, and shows no hash', () => {
  const without = read(BASE);
  const withShop = read(`${BASE}${SHOP}identities: [{ token: shop, versions: 4.14.x }]\n`);
  const sentences = [planReload(without, withShop), planReload(withShop, without)].map(({ changes }) =>
    changes.map(({ sentence }) => sentence),
  );
  expect(sentences).toEqual([
    ['clients.tokens.shop: added', 'identities.shop: added'],
    ['clients.tokens.shop: removed; its sessions go on', 'identities.shop: removed; its sessions go on'],
  ]);
});
