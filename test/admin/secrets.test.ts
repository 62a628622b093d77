/** What `/v1/config` shows of a config that has secrets in it. */
import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/admin/secrets.ts';

test.each([
  ['the password of an address', 'tcp://ann:hunter2@db:5432', 'tcp://***@db:5432'],
  ['a parameter of a URL', 'http://db/version?token=hunter2&of=db', 'http://db/version?token=***&of=db'],
  ['a variable in a command', 'PGPASSWORD=hunter2 psql', 'PGPASSWORD=*** psql'],
  ['the word behind an option', ['psql', '--password', 'hunter2'], ['psql', '--password', '***']],
  ['an option with its value', ['psql', '--password=hunter2'], ['psql', '--password=***']],
  ['what is left of a token', { tokens: [{ hash: 'sha256:hunter2' }] }, { tokens: [{ hash: '***' }] }],
  ['a key that names one', { hook: { apiKey: 'hunter2' } }, { hook: { apiKey: '***' } }],
])('%s is hidden', (_what, value, shown) => {
  expect(withoutSecrets(value)).toEqual(shown);
  expect(JSON.stringify(withoutSecrets({ migration: { any: value } }))).not.toContain('hunter2');
});

test('what is none is shown as it is, also where a secret is kept', () => {
  const config = {
    listen: [{ tcp: '127.0.0.1:8700' }],
    admin: { tokenFile: 'admin.token' },
    limits: { sessions: 7 },
  };
  expect(withoutSecrets(config)).toEqual(config);
});
