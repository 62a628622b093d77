/** Every question that the API's document lists can be asked, of a gate with an upgrade and of one without. */
import { expect, test } from 'vitest';
import { type AdministeredGate, startWithAdmin } from './support.ts';

/** Of these an answer goes on without end. */
const ENDLESS = ['/v1/decisions/live'];

async function questions(gate: AdministeredGate): Promise<string[]> {
  const { body } = await gate.get('/openapi.json');
  return Object.entries(body.paths as Record<string, Record<string, unknown>>)
    .filter(([route, methods]) => methods.get !== undefined && !ENDLESS.includes(route))
    .map(([route]) => route);
}

test.each([{ preset: 'phoenix' as const }, { preset: 'ranges' as const }])(
  'every question is answered under the policy $preset',
  async (policy) => {
    await using gate = await startWithAdmin({
      policy,
      servers: [{ version: '4.14.0', protocol: { min: 1, max: 1 } }],
    });
    const routes = await questions(gate);
    expect(routes).toEqual(
      expect.arrayContaining([
        '/live',
        '/ready',
        '/v1/cluster',
        '/v1/gates',
        '/v1/servers',
        '/v1/clients',
        '/v1/sessions',
        '/v1/decisions',
        '/v1/upgrade',
        '/v1/upgrade/history',
        '/v1/policy',
        '/v1/config',
        '/v1/next',
        '/v1/what-if',
      ]),
    );
    const answers = await Promise.all(routes.map((route) => gate.get(route)));
    expect(answers.map(({ status, body }, at) => [routes[at], status, body.message])).toEqual(
      routes.map((route) => [route, 200, undefined]),
    );
  },
);

test('what is not there is said so, with where to look', async () => {
  await using gate = await startWithAdmin();
  for (const [path, init] of [
    ['/v2/cluster', {}],
    ['/v1/cluster', { method: 'DELETE', headers: { authorization: `Bearer ${gate.token}` } }],
  ] as const) {
    const { status, body } = await gate.get(path, init);
    expect([status, body.error]).toEqual([404, 'NOT_FOUND']);
    expect(body.message).toContain('/openapi.json');
  }
});
