/**
 * An upgrade from 4.14 to 4.15, rehearsed with simulated servers and a client of your own. Run it with `npm install` and
 * `npm test`, on Node.js 24. Replace the versions, the policy and the client with your own.
 */
import assert from 'node:assert';
import { once } from 'node:events';
import { test } from 'node:test';
import { assertAdmitted, assertMove, assertRefused, startFleet } from 'skewgate/testing';
import { open } from './client.js';

test('servers first: new clients are refused until the last server is upgraded, old ones never', async () => {
  await using fleet = await startFleet({ servers: ['4.14.2', '4.14.2', '4.14.2'], policy: 'phoenix' });
  await fleet.roll('4.15.0', {
    afterEach: async (done) => {
      assertAdmitted(await fleet.attempt('4.14.2'));
      if (done.length === 3) return;
      const early = await fleet.attempt('4.15.0');
      assertRefused(early, 'SERVER_OUTDATED');
      assertMove(early, { side: 'server', to: '4.15' });
    },
  });
  assertAdmitted(await fleet.attempt('4.15.0'));
});

test('a client that came too early says what to do', async () => {
  await using fleet = await startFleet({ servers: ['4.15.0', '4.14.2'] });
  await assert.rejects(open(fleet.url('4.15.0')), {
    message: 'not admitted: upgrade the server to 4.15 (rs2)',
  });
  assert.equal(fleet.decisions.length, 1); // coming again would not have helped
});

test('a client comes again while no server is there', async () => {
  await using fleet = await startFleet({ servers: ['4.14.2'], timeouts: { hold: '50ms' } });
  await fleet.stop('rs1');
  const coming = open(fleet.url('4.14.2'), 100);
  await fleet.decision(({ code }) => code === 'NO_SERVER');
  await fleet.start('rs1', '4.14.3');
  const session = await coming;
  assert.equal(session.server.version, '4.14.3');
});

test('the first 4.15 client brings the upgrade of the system tables, while 4.14 clients work on', async () => {
  await using fleet = await startFleet({ servers: ['4.15.0', '4.15.0'], tables: '4.14.0', upgradeMs: 50 });
  const old = await open(fleet.url('4.14.2'));
  await Promise.all([open(fleet.url('4.15.0')), open(fleet.url('4.15.0'))]);
  assert.deepEqual(await fleet.upgrades(), [29]); // once
  old.write('still here?');
  const [echo] = await once(old, 'data');
  assert.equal(String(echo), 'still here?');
});
