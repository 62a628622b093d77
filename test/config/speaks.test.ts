/** What is wrong with a listener that speaks somebody else's protocol is said at its key. */
import { expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';

const problemsOf = (listener: object) =>
  configSchema
    .safeParse({
      listen: [{ tcp: '127.0.0.1:0', ...listener }],
      servers: [{ id: 's', address: 'tcp://127.0.0.1:1', version: '1.0.0' }],
    })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

const CLAIM = [{ client_name: '^shop/(.*)' }];

test.each([
  [{ speaks: 'redis', claim: CLAIM, strip: true }, 'listen.0.strip: redis has no way to take a claim out'],
  [
    { speaks: 'redis', claim: [{ option: 'x' }] },
    'listen.0.claim.0.option: there is no such carrier; there are client_name, lib_name, lib_ver, user',
  ],
  [{ speaks: 'redis' }, /^listen\.0\.speaks: say where a client states its release/],
  [
    { speaks: 'mysql', claim: [{ program_name: '(' }] },
    /^listen\.0\.claim\.0\.program_name: not a regular expression/,
  ],
  [{ speaks: 'mysql', assume: '1.0.0', otherwise: '1.0.0' }, /^listen\.0\.otherwise: with `assume`/],
  [{ claim: CLAIM }, /^listen\.0\.claim: only with `speaks`/],
])('%j', (listener, problem) => {
  expect(problemsOf(listener)).toEqual([
    typeof problem === 'string' ? problem : expect.stringMatching(problem),
  ]);
});

test.each([
  { speaks: 'redis', claim: CLAIM },
  { speaks: 'mysql', assume: '1.0.0' },
  { speaks: 'mysql', otherwise: '1.0.0', upgrade: 'must-not' },
])('%j is fine', (listener) => {
  expect(problemsOf(listener)).toBeUndefined();
});
