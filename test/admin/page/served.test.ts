/** The page as a real gate serves it. */
import { expect, test } from 'vitest';
import { PAGE_POLICY, readPageFiles } from '../../../src/admin/page-files.ts';
import { startWithAdmin } from '../support.ts';

test('every file of the page is served as it is, without a token, under a policy that lets nothing else run', async () => {
  await using gate = await startWithAdmin();
  for (const [at, { type, body }] of readPageFiles()) {
    const answer = await gate.get(at);
    expect([at, answer.status, answer.headers.get('content-type')]).toEqual([at, 200, type]);
    expect(answer.headers.get('content-security-policy')).toBe(PAGE_POLICY);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.body).toBe(body.toString());
  }
  expect((await gate.get('/page/shapes.ts')).status).toBe(404);
  expect((await gate.get('/page/../page-files.ts')).status).toBe(404);
});

test('the address that the gate prints has the token where no request sends it', async () => {
  await using gate = await startWithAdmin();
  expect(gate.admin.link).toBe(`${gate.admin.address}/#token=${gate.token}`);
});
