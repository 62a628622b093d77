/** The page where tokens are stated: what it shows without one, and what it offers to whom. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, launchBrowser, missing } from '../../support/browser.ts';
import { startWithRoles, TOKENS } from '../support.ts';
import { says, seen } from './open.ts';

let browser: Browser;
beforeAll(async () => {
  if (missing === null) browser = await launchBrowser();
});
afterAll(() => browser?.close());
if (missing !== null) console.warn(`test/admin/page/roles.slow.test.ts is skipped: ${missing}`);
const skipped = missing !== null && process.env.CI === undefined;

test.skipIf(skipped)('the page shows nothing without a token, and to each role what it may do', async () => {
  await using gate = await startWithRoles();
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  await page.goto(gate.admin.address);
  await says(page, '#lost', 'shows nothing without a token');
  expect(await page.innerText('#servers')).not.toContain('s1');
  await page.fill('header [name="token"]', TOKENS.viewer);
  await page.keyboard.press('Enter');
  await says(page, '#servers', 's1');
  await says(page, '#head', 'viewer, viewer');
  expect(await page.innerText('#head')).not.toContain('Pause');
  (await gate.fleet.admit('4.14.0')).destroy();
  await says(page, '#decisions', '4.14.0');
  await page.evaluate(`sessionStorage.clear()`);
  await page.goto(`${gate.admin.address}/?2#token=${TOKENS.operator}`);
  await says(page, '#head', 'operator, operator');
  await says(page, '#head', 'Pause');
  expect(await page.innerText('#head')).not.toContain('Reload');
  await page.click('#head nav button');
  await says(page, 'dialog .preview', 'New clients wait');
  await page.click('dialog button.main');
  await seen(
    async () => gate.fleet.gate.status().state,
    (state) => state === 'paused',
    'the gate is paused',
  );
  expect(gate.fleet.log.of('operator', { what: 'pause' })).toMatchObject([{ by: 'operator' }]);
  await page.close();
});
