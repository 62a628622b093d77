/** A whole upgrade of a small fleet, of real gates and simulated servers, run by somebody who has the page and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Session } from '../../../src/client/session.ts';
import { type Browser, launchBrowser, missing, type Page } from '../../support/browser.ts';
import { openPage, says, seen } from './open.ts';
import { agreed, call } from './operator.ts';
import { connectAs, type RealGate, startRealFleet } from './real-fleet.ts';

if (missing !== null) console.warn(`test/admin/page/upgrade.slow.test.ts is skipped: ${missing}`);

/** Resolves once a session is over, however it ends. */
const ended = (session: Session) =>
  new Promise<void>((resolve) => {
    session.on('error', () => resolve());
    session.once('end', () => resolve()).resume();
  });

/** Blocks and unblocks upgrades; holds newcomers, and lets them in. */
async function holdAndLetGo(page: Page, gate: RealGate): Promise<void> {
  await call(page, {
    from: '#upgrade button:has-text("Block")',
    typed: { reason: 'not in office hours', by: 'mara' },
    preview: 'upgrade',
  });
  await says(page, '#next', 'not in office hours');
  await agreed(page, gate);
  await call(page, {
    from: '#next button:has-text("Unblock")',
    typed: { reason: 'evening' },
    preview: 'block',
  });
  await seen(
    () => page.innerText('#next'),
    (text) => !text.includes('not in office hours'),
    'the block is gone',
  );
  await call(page, {
    from: '#head button:has-text("Pause")',
    typed: { reason: 'a look first', for: '1m' },
    preview: 'New clients wait',
  });
  await says(page, '#head', 'paused');
  await says(page, '#next', 'a look first');
  const late = connectAs(gate, '4.14.0', 'late');
  await says(page, '#waiting', 'PAUSED');
  await call(page, { from: '#head button:has-text("Resume")', preview: '1 client' });
  (await late).on('error', () => {}).destroy();
  await says(page, '#waiting', 'Nobody is held.');
}

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('the page takes a fleet from 4.14 to 4.15: it says what blocks, holds, drains, closes, approves, and sees it done', {
    timeout: 180_000,
  }, async () => {
    const fleet = await startRealFleet({ gates: 2, version: '4.14.1', level: 28, upgradeMs: 2_500 });
    const gate = fleet.gates[0] as RealGate;
    const { page, trouble } = await openPage(browser, gate.admin, { token: gate.token });
    const web = await connectAs(gate, '4.14.0', 'web');
    const batch = await connectAs(gate, '4.12.0', 'shop-batch');
    const over = { web: ended(web), batch: ended(batch) };

    await says(page, '#clients', 'shop-batch');
    await says(page, '#gates', '2, all alike');
    const first = await agreed(page, gate);
    expect(first).toMatchObject({ ready: false });
    await holdAndLetGo(page, gate);

    // What falls out of the window is turned away in good time, evenly, with the reason on record.
    await call(page, {
      from: '#clients tr:has-text("4.12") button',
      typed: { over: '500ms', reason: 'end of life' },
      preview: '4.12',
    });
    await over.batch;
    await says(page, '#orders', 'all 1 ended');
    await expect(connectAs(gate, '4.12.0', 'shop-batch')).rejects.toThrow('end of life');

    for (const [at, server] of fleet.servers.entries()) {
      const row = `#servers tbody tr:nth-child(${at + 1})`;
      await call(page, {
        from: `${row} button`,
        typed: { over: '300ms', reason: `${server.id} to 4.15` },
        preview: server.id,
      });
      await says(page, row, 'by an operator');
      await server.restart({ version: '4.15.0' });
      await says(page, row, '4.15.0');
      await call(page, { from: `${row} button`, preview: server.id });
      await seen(
        () => page.innerText(row),
        (text) => text.includes('up') && !text.includes('operator'),
        `${server.id} takes sessions again`,
      );
      await agreed(page, gate);
    }
    await over.web;

    expect(fleet.level()).toBe(28);
    await call(page, {
      from: '#next button:has-text("Approve")',
      typed: { reason: 'all are on 4.15' },
      preview: 'upgrade',
    });
    const newer = connectAs(gate, '4.15.0', 'web');
    await says(page, '#upgrade', 'Step 1 of 1');
    await says(page, '#upgrade', 'gate-a');
    const session = await newer;
    await says(page, '#upgrade', 'level 29');
    expect(fleet.level()).toBe(29);
    await agreed(page, gate);

    await says(page, '#sessions', '1 of 1 open');
    const closed = ended(session);
    await call(page, {
      from: '#sessions tbody button',
      typed: { reason: 'done here' },
      preview: 'Closes session',
    });
    await closed;
    await says(page, '#sessions', 'No session is open.');
    for (const words of [
      'mara',
      'not in office hours',
      'a look first',
      'end of life',
      'rs3 to 4.15',
      'all are on 4.15',
      'done here',
    ])
      await says(page, '#audit', words);
    expect(trouble.filter((line) => !line.includes('status of 4'))).toEqual([]);
  });
});
