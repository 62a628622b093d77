/** Verbs on the page: what one would do is said by the gate before it is confirmed, and nothing is done before. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Browser, launchBrowser, missing } from '../../support/browser.ts';
import { type FakeGate, startFakeGate } from './fake-gate.ts';
import { fleet } from './fleet.ts';
import { type OpenPage, openPage, says, seen } from './open.ts';

/** Where each verb is called from, what is typed, and what the gate is sent. */
const CALLS: readonly (readonly [
  verb: string,
  from: string,
  typed: Readonly<Record<string, string>>,
  body: Record<string, unknown>,
])[] = [
  ['pause', '#head button:has-text("Pause")', { for: '5m', reason: 'storm' }, { for: '5m', reason: 'storm' }],
  ['reload', '#head button:has-text("Reload")', { reason: 'new limits' }, { reason: 'new limits' }],
  [
    'drain',
    '#head button:has-text("Drain")',
    { clients: '<4.14', over: '10m' },
    { clients: '<4.14', over: '10m', wait: '5s' },
  ],
  [
    'drain',
    '#servers tr:nth-child(2) button',
    { over: 'never', reason: 'disk' },
    { server: 'rs2', over: 'never', reason: 'disk', wait: '5s' },
  ],
  ['drain', '#clients tr:nth-child(1) button', { over: '1m' }, { clients: '4.12.x', over: '1m', wait: '5s' }],
  ['undrain', '#orders button', {}, { clients: '<4.12', allGates: true }],
  [
    'kick',
    '#sessions tr:nth-child(3) button',
    { reason: 'stuck' },
    { session: 'session-3', reason: 'stuck' },
  ],
  ['migration/approve', '#next button:has-text("Approve")', { reason: 'go' }, { reason: 'go' }],
  [
    'migration/block',
    '#upgrade button:has-text("Block")',
    { for: '2h', reason: 'no' },
    { for: '2h', reason: 'no' },
  ],
  ['migration/abort', '#upgrade button:has-text("Abort")', { by: 'mara' }, { by: 'mara' }],
  ['migration/abort', '#upgrade button:has-text("Abort")', {}, {}],
];

if (missing !== null) console.warn(`test/admin/page/verbs.slow.test.ts is skipped: ${missing}`);

describe.skipIf(missing !== null)('in chromium', () => {
  let browser: Browser;
  let gate: FakeGate;
  let open: OpenPage;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    gate = await startFakeGate(fleet());
    open = await openPage(browser, gate.url);
  });
  afterEach(async () => {
    await open.page.close();
    await gate[Symbol.asyncDispose]();
    expect(open.trouble.filter((line) => !line.includes('status of 4'))).toEqual([]);
  });

  const acts = () => gate.told.filter(({ body }) => (body as { dryRun: boolean }).dryRun === false);

  test.each(CALLS)(
    '%s from %s: previewed with what is typed, then done with just that',
    async (verb, from, typed, body) => {
      const path = `/v1/${verb}`;
      gate.effects[path] = (sent) => ({ sentence: `would ${JSON.stringify(sent)}`, sessions: 14 });
      const { page } = open;
      await page.click(from);
      await says(page, 'dialog .preview', 'would');
      for (const [name, text] of Object.entries(typed)) await page.fill(`dialog [name="${name}"]`, text);
      await seen(
        async () => gate.told.at(-1)?.body,
        (sent) => isDeepStrictEqual(sent, { ...body, dryRun: true }),
        'the preview is of what was typed',
      );
      await says(page, 'dialog .preview', 'Concerns 14 sessions.');
      expect(acts()).toEqual([]);
      await page.click('dialog button.main');
      await page.waitForSelector('dialog', { state: 'hidden' });
      await says(page, '#told', 'would');
      expect(acts().map(({ path: at, body: sent }) => [at, sent])).toEqual([
        [path, { ...body, dryRun: false }],
      ]);
    },
  );

  test('a verb that the gate refuses cannot be confirmed, and the gate says why', async () => {
    const { page } = open;
    await page.click('#servers tr:nth-child(1) button');
    await says(page, 'dialog .preview', 'no /v1/drain');
    expect(await page.evaluate(`document.querySelector('dialog button.main').disabled`)).toBe(true);
    await page.keyboard.press('Enter');
    expect(acts()).toEqual([]);
  });

  test('while the gate is at it the dialog says so; left alone, the page still tells how it ended', async () => {
    let finish = () => {};
    const until = new Promise<void>((resolve) => {
      finish = resolve;
    });
    gate.effects['/v1/drain'] = async ({ dryRun }) => {
      if (dryRun === false) await until;
      return { sentence: dryRun === false ? 'rs1 is drained.' : 'rs1 would be drained.', sessions: 3 };
    };
    const { page } = open;
    await page.click('#servers tr:nth-child(1) button');
    await says(page, 'dialog .preview', 'would be drained');
    await page.click('dialog button.main');
    await says(page, 'dialog .preview', 'Under way');
    await page.click('dialog button:has-text("Leave it running")');
    await page.waitForSelector('dialog', { state: 'hidden' });
    expect(await page.textContent('#told')).toBe('');
    finish();
    await says(page, '#told', 'Drain: rs1 is drained.');
    await page.click('#told button');
    await seen(
      () => page.textContent('#told'),
      (text) => text === '',
      'what was told is gone',
    );
  });

  test('what a reload would change, and what a drain warns of, stands in the preview', async () => {
    gate.effects['/v1/reload'] = () => ({
      sentence: 'Two keys change.',
      changes: [{ key: 'limits', sentence: 'limits.sessions: 100, was 50' }],
      refused: [{ key: 'id', why: 'id: a gate keeps its name' }],
    });
    gate.effects['/v1/drain'] = () => ({
      sentence: 'rs1 gets no new sessions.',
      sessions: 3,
      details: { warnings: ['No other server takes sessions.'], clients: { '4.13.0': 1, '4.14.0': 2 } },
    });
    const { page } = open;
    await page.click('#head button:has-text("Reload")');
    await says(page, 'dialog .preview', 'limits.sessions: 100, was 50');
    await says(page, 'dialog .preview', 'id: a gate keeps its name');
    await page.click('dialog button:has-text("Cancel")');
    await page.click('#servers tr:nth-child(1) button');
    await says(page, 'dialog .preview', 'No other server takes sessions.');
    await says(page, 'dialog .preview', 'Concerns 3 sessions: 1 of 4.13.0, 2 of 4.14.0.');
  });

  test('a drain that is not over yet says what it waits for', async () => {
    gate.effects['/v1/drain'] = () => ({
      sentence: 'rs1 gets no new sessions.',
      sessions: 3,
      done: false,
      waitsFor: '3 sessions to end',
    });
    const { page } = open;
    await page.click('#servers tr:nth-child(1) button');
    await says(page, 'dialog .preview', 'rs1 gets no new sessions.');
    await page.click('dialog button.main');
    await says(page, '#told', 'Drain: rs1 gets no new sessions. It waits for 3 sessions to end.');
  });

  test('an answer to what was typed before is not shown as that to what is typed now', async () => {
    const answers: (() => void)[] = [];
    gate.effects['/v1/pause'] = (body) =>
      new Promise((resolve) => answers.push(() => resolve({ sentence: `for ${body.for}`, sessions: 0 })));
    const { page } = open;
    await page.click('#head button:has-text("Pause")');
    await seen(
      async () => answers.length,
      (count) => count === 1,
      'the first preview is asked for',
    );
    await page.evaluate(`{
      const dialog = document.querySelector('dialog');
      window.previews = [];
      const look = () => window.previews.push(dialog.querySelector('.preview')?.innerText ?? '');
      new MutationObserver(look).observe(dialog, { subtree: true, childList: true, characterData: true });
    }`);
    await page.fill('dialog [name="for"]', '77m');
    // Before the second is even asked for, the first is answered.
    answers[0]?.();
    await seen(
      async () => answers.length,
      (count) => count === 2,
      'the second preview is asked for',
    );
    expect(await page.evaluate('window.previews')).not.toContain('for 10m');
    expect(await page.evaluate(`document.querySelector('dialog button.main').disabled`)).toBe(true);
    answers[1]?.();
    await says(page, 'dialog .preview', 'for 77m');
    await page.fill('dialog [name="reason"]', 'x');
    await seen(
      async () => answers.length,
      (count) => count === 3,
      'the third preview is asked for',
    );
    expect(await page.innerText('dialog .preview')).not.toContain('for 10m');
    answers[2]?.();
    await says(page, 'dialog .preview', 'for 77m');
  });

  test('the filter and "show more" of sessions are asked of the gate', async () => {
    const { page, requests } = open;
    await page.fill('#sessions input[name="client"]', '4.12');
    await seen(
      async () => requests.at(-1),
      () => requests.some((url) => url.includes('/v1/sessions?client=4.12&limit=50')),
      'the filter is asked for',
    );
    await page.click('text=Show more');
    await seen(
      async () => requests.at(-1),
      () => requests.some((url) => url.includes('/v1/sessions?client=4.12&limit=100')),
      'more are asked for',
    );
    await says(page, '#sessions', 'that fit the filter');
  });

  test('what if: the gate is asked, and says who would be refused', async () => {
    const refused = (fleet()['/v1/next'] as { refuses: object[] }).refuses;
    gate.effects['/v1/what-if'] = () => ({ sentence: 'Fourteen sessions would be refused.', refused });
    const { page } = open;
    await page.fill('#what-if input', '4.16.0');
    await page.click('#what-if button');
    await says(page, '#what-if', 'Fourteen sessions would be refused.');
    await page.selectOption('#what-if select', 'rs2');
    await page.click('#what-if button');
    await seen(
      async () => gate.told.length,
      (count) => count === 2,
      'both questions are asked',
    );
    expect(gate.told.map(({ body }) => body)).toEqual([{ servers: '4.16.0' }, { server: { rs2: '4.16.0' } }]);
    expect(await page.innerText('#what-if')).toContain('CLIENT_OUTDATED');
  });
});
