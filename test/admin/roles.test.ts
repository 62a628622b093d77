/** Who may do what: every route, by every method, with every token and without one, against the table of them. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/admin/access.ts';
import { createApp } from '../../src/admin/app.ts';
import type { AdminContext } from '../../src/admin/context.ts';
import { Credentials, tokenOf } from '../../src/admin/credentials.ts';
import { ROLES, type Role } from '../../src/config/admin.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { startWithRoles, TOKENS, writeToken } from './support.ts';

/** Nobody waits on it: what is due comes at once. */
const clock = {
  now: () => 0,
  monotonic: () => 0,
  after: (_ms: number, call: () => void) => {
    queueMicrotask(call);
    return { cancel() {} };
  },
} as unknown as Clock;

/** An application without a gate: what gets past its guard fails there. @param stated whether tokens are stated */
async function guarded(stated: boolean, metricsToken = false) {
  const folder = tempFolder();
  for (const role of ROLES) writeToken(path.join(folder, `${role}.token`), TOKENS[role]);
  const tokens = stated ? ROLES.map((role) => ({ name: role, role, file: `${role}.token` })) : [];
  if (!stated) writeToken(path.join(folder, 'admin.token'), TOKENS.admin);
  const credentials = new Credentials({ tokens, tokenFile: 'admin.token' }, folder);
  const context = { clock } as AdminContext;
  return createApp(context, { credentials, hosts: null, metricsToken, tls: null, refused() {} });
}

const SENT = [...ROLES, 'none', 'wrong', 'two'] as const;
type Sent = (typeof SENT)[number];

function headersOf(sent: Sent): Record<string, string> {
  if (sent === 'none') return {};
  if (sent === 'wrong') return { authorization: `Bearer ${TOKENS.admin}x` };
  if (sent === 'two') return { authorization: `Bearer ${TOKENS.admin} ${TOKENS.viewer}` };
  return { authorization: `Bearer ${TOKENS[sent]}` };
}

/** The status of who is not let in; null: the guard has nothing against it. Written apart from the guard on purpose. */
function barred(needed: string, sent: Sent, stated: boolean): number | null {
  const rank = ['viewer', 'operator', 'admin'];
  if (needed === 'anybody' || (needed === 'viewer' && !stated)) return null;
  if (sent === 'none' || sent === 'two' || sent === 'wrong') return 401;
  if (!stated) return sent === 'admin' ? null : 401;
  return rank.indexOf(sent) >= rank.indexOf(needed) ? null : 403;
}

/** Answers of the guard, and no others have these. */
const BARRED = [401, 403, 429];

describe.each([true, false])('where tokens are stated: %s', (stated) => {
  test('every route answers exactly those whom the table names', async () => {
    const app = await guarded(stated);
    const routes = Object.entries(ACCESS).filter(
      // One streams without end, and the other says itself what it thinks of a token.
      ([route]) => !['GET /v1/decisions/live', 'GET /v1/access', 'GET /page/*'].includes(route),
    );
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const;
    const paths = [...new Set(routes.map(([route]) => route.split(' ')[1] as string))];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.constantFrom(...methods),
        fc.constantFrom(...SENT),
        async (url, method, sent) => {
          const needed = ACCESS[`${method === 'HEAD' ? 'GET' : method} ${url}`];
          const { statusCode } = await app.inject({ method, url, headers: headersOf(sent) });
          const wanted = needed === undefined ? 404 : barred(needed, sent, stated);
          const asked = [method, url, sent];
          if (wanted === null) expect([...asked, BARRED.includes(statusCode)]).toEqual([...asked, false]);
          // After some wrong tokens the answer is that there were too many.
          else expect([...asked, statusCode === 429 ? 401 : statusCode]).toEqual([...asked, wanted]);
        },
      ),
      { numRuns: 600 },
    );
    await app.close();
  });
});

test('an application with a route that nobody said who may ask for does not start', async () => {
  const app = await guarded(true);
  await app.close();
  const { addCharts } = await import('../../src/admin/routes/charts.ts');
  const other = (await import('fastify')).default();
  const { requireAccess } = await import('../../src/admin/guard.ts');
  other.addHook('onRoute', ({ method, url }) => void requireAccess([method].flat()[0] as string, url));
  addCharts(other as never, {} as AdminContext);
  expect(() => other.get('/v1/secret', async () => 'x')).toThrow('GET /v1/secret is not in');
});

test('metrics need a token where that is stated, and the table has no route that is not there', async () => {
  const app = await guarded(true, true);
  expect((await app.inject('/metrics')).statusCode).toBe(401);
  for (const route of Object.keys(ACCESS)) {
    const [method, url] = route.split(' ') as ['GET' | 'POST', string];
    expect([route, app.hasRoute({ method, url: url.replace('*', 'main.js') })]).toEqual([route, true]);
  }
  await app.close();
});

test('acts are on record by the name of the token, whatever whoever has it calls themselves', async () => {
  await using gate = await startWithRoles();
  await gate.post('/v1/pause', { by: 'admin', reason: 'r' }, { authorization: `Bearer ${TOKENS.operator}` });
  await gate.post('/v1/resume', {}, { authorization: `Bearer ${TOKENS.operator}` });
  const { acts } = (await gate.get('/v1/audit', { headers: { authorization: `Bearer ${TOKENS.viewer}` } }))
    .body;
  expect(acts.map(({ by }: { by: string }) => by)).toEqual(['operator', 'operator (admin)']);
});

test('with stated tokens none is made, and the one that was made before is none any more', async () => {
  const folder = tempFolder();
  await using gate = await startWithRoles({ folder });
  expect(existsSync(path.join(folder, 'admin.token'))).toBe(false);
  expect(gate.admin.link).toBe(gate.admin.address);
  expect((await gate.get('/v1/cluster')).body.error).toBe('NO_TOKEN');
  for (const at of ['/live', '/ready', '/metrics', '/', '/openapi.json'])
    expect([at, (await gate.get(at)).status]).toEqual([at, 200]);
});

test('/v1/access says what a token may do, and what can be done without one', async () => {
  await using gate = await startWithRoles();
  const of = async (token: string | null) =>
    (await gate.get('/v1/access', token === null ? {} : { headers: { authorization: `Bearer ${token}` } }))
      .body;
  expect(await of(null)).toEqual({ reading: false, name: null, role: null, acts: [] });
  expect(await of(TOKENS.viewer)).toEqual({ reading: true, name: 'viewer', role: 'viewer', acts: [] });
  const { acts } = await of(TOKENS.operator);
  expect(acts).toContain('/v1/kick');
  expect(acts).not.toContain('/v1/reload');
  expect((await of(`${TOKENS.admin}x`)).error).toBe('WRONG_TOKEN');
});

describe('a stated token', () => {
  const entry = (more: object) => ({ name: 'ops', role: 'operator' as Role, ...more });

  test.each([
    ['others may read its file', 0o640, TOKENS.operator, 'chmod 600'],
    ['it is short', 0o600, 'short-but-more-than-16', null],
    ['it is too short', 0o600, 'sixteen-chars-is', 'holds no token'],
    ['it is one letter', 0o600, 'a'.repeat(40), 'holds no token'],
    ['it has spaces', 0o600, 'a token with some spaces in it', 'holds no token'],
  ])('where %s: %o', (_what, mode, text, message) => {
    const folder = tempFolder();
    writeFileSync(path.join(folder, 't'), text);
    chmodSync(path.join(folder, 't'), mode);
    const read = () => tokenOf(entry({ file: 't' }), folder);
    if (message === null) expect(read()).toBe(text);
    else {
      expect(read).toThrow(message);
      expect(read).not.toThrow(text);
    }
  });

  test('of the environment is taken from there, and what is missing is named', () => {
    process.env.SKEWGATE_TEST_TOKEN = TOKENS.viewer;
    expect(tokenOf(entry({ env: 'SKEWGATE_TEST_TOKEN' }), '.')).toBe(TOKENS.viewer);
    delete process.env.SKEWGATE_TEST_TOKEN;
    expect(() => tokenOf(entry({ env: 'SKEWGATE_TEST_TOKEN' }), '.')).toThrow(
      'admin.tokens.ops: the environment has no SKEWGATE_TEST_TOKEN',
    );
  });

  test('is one of one name: the same under two names is refused', () => {
    const folder = tempFolder();
    writeToken(path.join(folder, 'a'), TOKENS.admin);
    const tokens = [
      { name: 'a', role: 'admin' as Role, file: 'a' },
      { name: 'b', role: 'viewer' as Role, file: 'a' },
    ];
    expect(() => new Credentials({ tokens, tokenFile: 't' }, folder)).toThrow('b has the same token as a');
  });

  test('is read again by a reload, and the one before is nobody’s then', () => {
    const folder = tempFolder();
    writeToken(path.join(folder, 'a'), TOKENS.admin);
    const config = { tokens: [{ name: 'a', role: 'admin' as Role, file: 'a' }], tokenFile: 't' };
    const credentials = new Credentials(config, folder);
    expect(credentials.prepare(config).changes).toEqual([]);
    writeToken(path.join(folder, 'a'), TOKENS.viewer);
    const next = credentials.prepare(config);
    expect(next.changes).toEqual([{ key: 'admin.tokens.a', sentence: 'admin.tokens.a: another token' }]);
    expect(credentials.find(TOKENS.admin)).toEqual({ name: 'a', role: 'admin' });
    next.commit();
    expect([credentials.find(TOKENS.admin), credentials.find(TOKENS.viewer)?.name]).toEqual([null, 'a']);
    chmodSync(path.join(folder, 'a'), 0o644);
    expect(() => credentials.prepare(config)).toThrow('chmod 600');
    expect(credentials.find(TOKENS.viewer)?.name).toBe('a');
  });
});
